"""ExpW: 91,793 faces of photos found by web search, seven classes (Zhang et al. 2018, arXiv:1609.06426).

Two layouts are read, whichever lies under the data root:

- the parquet pack, `expw/all64.parquet`: 88,600 of the faces, grey 64x64, with a column `split`;
- the original download: `expw/label.lst` (or `expw/label/label.lst`) with lines of image name, number of the
  face in it, top, left, right and bottom of its box, the face finder's confidence, and the label; and the
  photos in `expw/image/origin`, `expw/image` or `expw/origin`.

There is no official split. Here 70 % of the original's photos are for training and 15 % each for validation
and test, by a hash of the photo's name, so that the faces of a photo are in one split and a split does not
depend on which photos are there. The pack has its own split (80, 10 and 10 %), which keeps photos and most
near copies together and has the photos that FER2013 also holds in its training split. A network that learnt
from the one is not measured on the other (`training.sources.divisions`).

Elsewhere networks see it at 64x64 in colour (64x64x3), as the project did that this one follows. All that is
learnt from and served here is grey and 48x48, so faces go through the project's one resize,
`fer_core.faces.crops.resize_crop`.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from fer_core.errors import DataError
from fer_core.expressions import FER2013
from fer_core.faces.crops import cut, resize_crop
from training.sources.base import Samples, Split, hundredth_of
from training.sources.copies import copies_in
from training.sources.packs import check_labels, decode_faces, read_pack
from training.sources.source import PACKED, MissingDataError, OwnLayoutSource, not_found

NAME: Final = "expw"
_PACK: Final = f"{NAME}/all64.parquet"
#: Side of the pack's images in pixels.
PACK_SIZE: Final = 64
_LISTS: Final = ("label.lst", "label/label.lst")
_PHOTO_FOLDERS: Final = ("image/origin", "image", "origin")
#: Which hundredths of the photos, by their names' hash, go where; the others are for training.
_HUNDREDTHS: Final = {Split.VALID: range(15), Split.TEST: range(15, 30)}
#: The pack's faces for validation and test of which its training split holds a copy, as
#: `copies.copies_in` finds them, which takes minutes.
_PACK_COPIES: Final = frozenset(
    (
        *("angry_husband_311.jpg", "annoyed_teacher_66.jpg", "astound_woman_256.jpg"),
        *("awe_infant_72.jpg", "crying_couple_19.jpg", "crying_teacher_64.jpg"),
        *("distressed_couple_23_1.jpg", "distressed_expression_88.jpg"),
        *("fighting_woman_696.jpg", "mad_face_294.jpg", "mad_soldier_860.jpg"),
        *("amazed_wife_419_1.jpg", "angry_president_32.jpg", "astound_black_130.jpg"),
        *("frightened_by_the_movie_grandmother_3.jpg",),
    )
)
_EXPECTED: Final = """one of
  {root}/expw/all64.parquet                               (the parquet pack)
  {root}/expw/label/label.lst, image/origin/NAME.jpg, ... (the original download, its archives extracted)"""
_PAGE: Final = "http://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html"
_LINE: Final = "image_name face_id top left right bottom confidence label"
#: Names of missing photos that a message gives.
_NAMED: Final = 3


class _Face(NamedTuple):
    """One line of label.lst.

    Attributes:
        row: its number, from 0.
        photo: file name.
        box_xyxy: pixels of the photo.
        label: index into FER2013's label space, whose order ExpW has.
    """

    row: int
    photo: str
    box_xyxy: tuple[int, int, int, int]
    label: int


def load(root: Path, split: Split) -> Samples:
    """Read one split.

    Of the original, a split for validation or test is compared with all training faces to find copies,
    which takes minutes for the whole set.

    Raises:
        DataError: no known layout under `root`, a malformed line or row, or photos that are missing; says
            what was found and expected.
    """
    if (pack := _pack(root)).is_file():
        return _load_pack(pack, split)
    folder = root / NAME
    for path in (folder / name for name in _LISTS):
        if path.is_file():
            return _load_original(path, folder, split)
    raise not_found("ExpW", folder, expected=_EXPECTED.format(root=root), page=_PAGE)


def division(root: Path) -> str | None:
    """Return the division of the faces under a data root; None without faces."""
    if _pack(root).is_file():
        return PACKED
    return "by photo" if any((root / NAME / name).is_file() for name in _LISTS) else None


def split_of(photo: str) -> Split:
    """Return the split of an original photo, by the sha256 of its name."""
    return next((s for s, part in _HUNDREDTHS.items() if hundredth_of(photo) in part), Split.TRAIN)


def _pack(root: Path) -> Path:
    return root / _PACK


def _load_pack(path: Path, split: Split) -> Samples:
    table = read_pack(path, ("image", "label", "split", "name"))
    check_labels(path, table["label"], "label", len(FER2013))
    if len(unknown := table.loc[~table["split"].isin(list(Split)), "split"]):
        raise DataError(
            f"{path}, row {unknown.index[0]}: split is {str(unknown.iloc[0])!r}, not one of "
            f"{', '.join(Split)}. Copy the pack again."
        )
    part = table[table["split"] == split]
    return _samples(
        split,
        images=decode_faces(path, part["image"], side=PACK_SIZE),
        labels=part["label"].to_numpy(np.int64),
        rows=part.index.to_numpy(np.int64),
        clean=~part["name"].isin(_PACK_COPIES).to_numpy(),
    )


def _load_original(path: Path, folder: Path, split: Split) -> Samples:
    faces = list(_read_list(path))
    photos = _find_photos(path, folder, faces)
    chosen = [face for face in faces if split_of(face.photo) is split]
    if not chosen:
        raise MissingDataError(
            f"No photo of {path}, which names {len({face.photo for face in faces}):,}, falls into the "
            f"{split} split. Is the list whole? Download it again: {_PAGE}"
        )
    images = _crop(photos, chosen)
    clean = np.ones(len(images), bool)
    if split is not Split.TRAIN:
        training = [face for face in faces if split_of(face.photo) is Split.TRAIN]
        clean = ~copies_in(images, _crop(photos, training))
    return _samples(
        split,
        images=images,
        labels=np.array([face.label for face in chosen], dtype=np.int64),
        rows=np.array([face.row for face in chosen], dtype=np.int64),
        clean=clean,
    )


def _read_list(path: Path) -> Iterator[_Face]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}). Download it again: {_PAGE}") from error
    for row, line in enumerate(lines):
        if line.strip():
            try:
                yield _parse(row, line)
            except ValueError as error:
                raise DataError(
                    f"{path}, line {row + 1}: {error}. Expected {_LINE!r}. Mend or remove the line."
                ) from error


def _parse(row: int, line: str) -> _Face:
    """Return the face of a line; raise ValueError with the fault."""
    # From the right, since a photo's name may hold blanks.
    parts = line.rsplit(maxsplit=7)
    if len(parts) != 8:
        raise ValueError(f"{len(parts)} values instead of 8 in {line.strip()!r}")
    try:
        top, left, right, bottom = (int(part) for part in parts[2:6])
        label = int(parts[7])
    except ValueError:
        raise ValueError(f"box and label must be whole numbers in {line.strip()!r}") from None
    if right <= left or bottom <= top:
        raise ValueError(f"the box from {left}, {top} to {right}, {bottom} has no area")
    if not 0 <= label < len(FER2013):
        raise ValueError(f"the label {label} is not one of 0 to {len(FER2013) - 1}")
    return _Face(row, parts[0].strip(), (left, top, right, bottom), label)


def _find_photos(path: Path, folder: Path, faces: list[_Face]) -> dict[str, Path]:
    """Return the path of every photo by its name; raise DataError if any is missing."""
    if not faces:
        raise DataError(f"{path} is empty. Download it again: {_PAGE}")
    present: dict[str, Path] = {}
    for place in (folder / name for name in _PHOTO_FOLDERS):
        if place.is_dir():
            present |= {file.name: file for file in place.iterdir() if file.is_file()}
    names = sorted({face.photo for face in faces})
    if missing := [name for name in names if name not in present]:
        raise DataError(
            f"{len(missing):,} of the {len(names):,} photos that {path} names are not in "
            f"{', '.join(str(folder / name) for name in _PHOTO_FOLDERS)}: "
            f"{', '.join(missing[:_NAMED])}{', ...' if len(missing) > _NAMED else ''}. Extract all parts of "
            f"the archive of photos there.\nDownload: {_PAGE}"
        )
    return present


def _crop(photos: dict[str, Path], faces: list[_Face]) -> np.ndarray:
    """Return uint8 (N, 48, 48), the faces in the order of the list; each photo is decoded once."""
    images: dict[int, np.ndarray] = {}
    by_photo = sorted(faces, key=lambda face: face.photo)
    for name, members in groupby(by_photo, key=lambda face: face.photo):
        photo = _decode(photos[name])
        for face in members:
            images[face.row] = resize_crop(cut(photo, np.array(face.box_xyxy, np.float32)))
    return np.stack([images[face.row] for face in faces])


def _decode(path: Path) -> np.ndarray:
    """Return a photo as uint8 (H, W), grey, without EXIF rotation, because the boxes ignore it."""
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}). Give yourself the right to.") from error
    photo = cv2.imdecode(data, flags) if len(data) else None
    if photo is None:
        raise DataError(f"{path} is not a readable image. Extract or download it again: {_PAGE}")
    return photo


def _samples(
    split: Split, *, images: np.ndarray, labels: np.ndarray, rows: np.ndarray, clean: np.ndarray
) -> Samples:
    return Samples(
        source=NAME,
        split=split,
        label_space=FER2013,
        images=images,
        labels=labels,
        rows=rows,
        clean=clean,
        is_face=np.ones(len(images), bool),
    )


SOURCE: Final = OwnLayoutSource(
    name=NAME,
    title="ExpW",
    page=_PAGE,
    splits=tuple(Split),
    label_space=FER2013,
    read=load,
    division=division,
    packs=(_PACK,),
    mixed_packs=True,
    measured=(Split.TEST,),
    judge="ExpW's labels",
    origin="results of a web search, cropped by a face detector; many of their labels are wrong",
    terms="non-commercial research only; the photos come from the web and their rights stay with their "
    "owners",
    hidden_because="it is for non-commercial research only, and this project's files are for everybody",
    credit=None,
    # Both were found by web search; in the pack, all photos that are known to be in both are for training.
    holds_photos_of=("fer2013",),
)
