"""CK+: 981 posed faces of 118 persons, seven classes (Lucey et al. 2010, CVPR Workshops).

Read is the usual edition, CK+48: the last three frames of each of the 327 labelled sequences, cropped to
48x48 grey, with contempt in the place of neutral. Two layouts, whichever lies under the data root:

- the parquet pack, `ckplus48/all.parquet`;
- class folders, `CK+48/{anger,contempt,...}/S010_004_00000017.png` (also as `ckplus48`, `ckplus` or `CK+`).

There is no official split. The faces are too few, and too much alike within a sequence, to be learnt from and
measured on; here they are only measured on, so the whole set is the test split.
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from fer_core.errors import DataError, UnknownNameError
from fer_core.expressions import CKPLUS, parse_expression
from training.sources.base import Samples, Split
from training.sources.class_folders import class_files, read_class_folder
from training.sources.packs import decode_faces, read_pack
from training.sources.source import OwnLayoutSource, not_found

NAME: Final = "ckplus"
_FOLDERS: Final = ("ckplus48", "CK+48", "ckplus", "CK+")
#: What the names of subjects, and of files, begin with.
_SUBJECT: Final = re.compile(r"S(\d+)(?:_|$)")
_EXPECTED: Final = """one of
  {root}/ckplus48/all.parquet                       (the parquet pack)
  {root}/CK+48/anger/S010_004_00000017.png, ...     (class folders)"""
_PAGE: Final = "http://www.jeffcohn.net/Resources/"


def load(root: Path, split: Split) -> Samples:
    """Read the whole set, which is the test split.

    Raises:
        DataError: another split is asked for, no known layout under `root`, or a malformed file; says
            what was found and expected.
    """
    if split is not Split.TEST:
        raise DataError(
            f"CK+ has no {split} split: it has no official splits and is only measured on here, as a "
            f"whole. Use {NAME}:{Split.TEST}, and train on another source."
        )
    for folder in (root / name for name in _FOLDERS):
        if (pack := folder / "all.parquet").is_file():
            return _load_pack(pack)
        if folder.is_dir() and class_files(folder):
            return _load_folders(folder)
    present = next((root / name for name in _FOLDERS if (root / name).is_dir()), root / _FOLDERS[0])
    raise not_found("CK+", present, expected=_EXPECTED.format(root=root), page=_PAGE)


def _load_pack(path: Path) -> Samples:
    table = read_pack(path, ("image", "label", "subject"))
    labels = [_label(path, row, word) for row, word in table["label"].items()]
    persons = [
        _person(f"{path}, row {row}: subject", subject) for row, subject in table["subject"].items()
    ]
    return _samples(decode_faces(path, table["image"]), np.array(labels), np.array(persons))


def _label(path: Path, row: object, word: object) -> int:
    try:
        return CKPLUS.index(parse_expression(str(word)))
    except UnknownNameError as error:
        raise DataError(f"{path}, row {row}: {error} Copy the pack again.") from error


def _load_folders(folder: Path) -> Samples:
    images, labels = read_class_folder(folder, CKPLUS)
    files = [file for part in class_files(folder).values() for file in part]
    persons = [_person(f"{file}: its name", file.stem) for file in files]
    return _samples(images, labels, np.array(persons))


def _person(place: str, text: object) -> int:
    """Return the number of the subject that a name such as S010 or S010_004_00000017 begins with."""
    match = _SUBJECT.match(str(text))
    if match is None:
        raise DataError(
            f"{place} is {str(text)!r}, which does not begin with a subject's number as S010_004_00000017 "
            "does. Give it its original name or remove it."
        )
    return int(match.group(1))


def _samples(images: np.ndarray, labels: np.ndarray, persons: np.ndarray) -> Samples:
    return Samples(
        source=NAME,
        split=Split.TEST,
        label_space=CKPLUS,
        images=images,
        labels=labels.astype(np.int64),
        rows=np.arange(len(images), dtype=np.int64),
        clean=np.ones(len(images), bool),
        is_face=np.ones(len(images), bool),
        persons=persons.astype(np.int64),
    )


SOURCE: Final = OwnLayoutSource(
    name=NAME,
    title="CK+",
    page=_PAGE,
    splits=(Split.TEST,),
    label_space=CKPLUS,
    read=load,
    measured=(Split.TEST,),
    # Posed to the camera in a laboratory: no measure of how a network does on photos.
    judge=None,
    origin="frames of 118 persons who posed expressions in a laboratory; labels were checked against the "
    "movements that experts saw in each face",
    terms="research and non-commercial use only, under an agreement with the owners",
    hidden_because="its agreement forbids passing images on, and publishing faces of those who did not "
    "consent to it",
    credit=None,
    caution="CK+ has three similar frames a sequence, so intervals are too narrow and p values too small.",
)
