"""Faces of 96x96 with 15 keypoints, in the format of Kaggle's Facial Keypoints Detection.

Two layouts are read, whichever lies under the data root:

- Kaggle's own file, `keypoints/training.csv`: 7,049 images, of most of which only four points are given,
  and which say nothing of persons;
- a pack of video frames in the same form, `keypoints/{train,test}.parquet`, with a column `subject`.

The pack's points lie 1.3 pixels to the right of what its images show, so that the points of a mirrored image
would lie as far to the left; they are moved back when they are read.

Neither has official splits that keep persons apart. So all rows are put together and split again: eight
tenths of the persons, or of the images where persons are unknown, are for training, one tenth each for
validation and test. Exact copies of an image are left out.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from fer_core.errors import DataError
from fer_core.networks.keypoints import KEYPOINT_SIZE, POINT_NAMES
from training.sources.base import Split
from training.sources.packs import decode_square, parse_pixels, read_pack
from training.sources.source import DataSet, not_found

NAME: Final = "keypoints"
_PACKS: Final = (f"{NAME}/train.parquet", f"{NAME}/test.parquet")
_EXPECTED: Final = """one of
  {folder}/training.csv                   (Kaggle's Facial Keypoints Detection)
  {folder}/train.parquet, test.parquet    (the pack of video frames)"""
_PAGE: Final = "https://www.kaggle.com/c/facial-keypoints-detection"
#: The coordinates of the points, in their order.
COLUMNS: Final = [f"{name}_{axis}" for name in POINT_NAMES for axis in "xy"]
#: Which tenth of the persons goes where; the others are for training.
_TENTHS: Final = {Split.VALID: 0, Split.TEST: 1}
#: How far the pack's points lie to the right of what the images show, in pixels: 1.4 from MediaPipe's points
#: in the images and their mirror images (`python -m tests.benchmarks.keypoint_labels`), 1.3 from half the
#: difference between the answers to both of a network that was trained without mirroring.
PACK_OFFSET_X: Final = 1.3
#: Of the order in which persons are dealt out. A different one would make other test persons.
_SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class KeypointSamples:
    """The faces of one split.

    Attributes:
        split: which part this is.
        images: uint8 (N, 96, 96), grey.
        points: float32 (N, 15, 2), x and y in pixels, NaN where a point is not given.
        rows: int64 (N,), number of each image in its data set.
        persons: int64 (N,), who is shown; None where the data does not tell.
        note: how rows came into this split and what was done to them, for cards.
    """

    split: Split
    images: np.ndarray
    points: np.ndarray
    rows: np.ndarray
    persons: np.ndarray | None
    note: str

    def __len__(self) -> int:
        return len(self.images)

    @property
    def n_persons(self) -> int | None:
        """Number of persons; None if unknown."""
        return None if self.persons is None else len(np.unique(self.persons))


def load(root: Path, split: Split) -> KeypointSamples:
    """Read one split; no person is in two splits.

    Raises:
        DataError: no known layout under `root`, or a malformed file; says what was found and expected.
    """
    folder = root / NAME
    packs = [root / name for name in _PACKS]
    if (csv := folder / "training.csv").is_file():
        whole = _read_csv(csv)
    elif packs[0].is_file():
        whole = _read_parquet(packs)
    else:
        raise not_found(
            "The set of faces with keypoints",
            folder,
            expected=_EXPECTED.format(folder=folder),
            page=_PAGE,
        )
    keep = _first_of_its_kind(whole.images) & (_part_of(whole) == split)
    return dataclasses.replace(
        whole,
        split=split,
        images=whole.images[keep],
        points=whole.points[keep],
        rows=whole.rows[keep],
        persons=None if whole.persons is None else whole.persons[keep],
    )


def _part_of(samples: KeypointSamples) -> np.ndarray:
    """Return the split of each row, the same for all rows of a person."""
    groups = samples.rows if samples.persons is None else samples.persons
    members = np.unique(groups)
    place = np.random.default_rng(_SEED).permutation(len(members))
    tenth = place * 10 // len(members)
    of_row = tenth[np.searchsorted(members, groups)]
    parts = np.full(len(groups), Split.TRAIN, dtype=object)
    for split, number in _TENTHS.items():
        parts[of_row == number] = split
    return parts


def _first_of_its_kind(images: np.ndarray) -> np.ndarray:
    contents = pd.Series([image.tobytes() for image in images])
    return ~contents.duplicated().to_numpy()


def _read_csv(path: Path) -> KeypointSamples:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable CSV file ({error}). Fetch it again.") from error
    if missing := [name for name in ["Image", *COLUMNS] if name not in table.columns]:
        raise DataError(f"{path} lacks the column {', '.join(missing)}.")
    images = parse_pixels(path, table["Image"], side=KEYPOINT_SIZE)
    return _samples(images, _points(path, table), None)


def _read_parquet(paths: list[Path]) -> KeypointSamples:
    images: list[np.ndarray] = []
    points, persons = [], []
    for path in paths:
        table = read_pack(path, ("image", "subject", *COLUMNS))
        images += [
            decode_square(path, row, code, KEYPOINT_SIZE) for row, code in enumerate(table["image"])
        ]
        points.append(_points(path, table))
        persons.append(_numbers(path, table["subject"]).to_numpy(np.int64))
    offset = np.array([PACK_OFFSET_X, 0], np.float32)
    samples = _samples(np.stack(images), np.concatenate(points) - offset, np.concatenate(persons))
    return dataclasses.replace(
        samples,
        note=f"{samples.note}; points moved {PACK_OFFSET_X} pixels to the left, to what the images show",
    )


def _points(path: Path, table: pd.DataFrame) -> np.ndarray:
    """Return float32 (N, 15, 2), NaN where a point is not given."""
    given = [_numbers(path, table[name], may_lack=True) for name in COLUMNS]
    return np.stack(given, axis=1).astype(np.float32).reshape(len(table), -1, 2)


def _numbers(
    path: Path, column: "pd.Series[float]", *, may_lack: bool = False
) -> "pd.Series[float]":
    """Return a column; raise DataError, naming the first row, where something else than a number is."""
    values = pd.to_numeric(column, errors="coerce")
    bad = ~np.isfinite(values)
    if may_lack:
        bad &= column.notna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{path}, row {row}: {column.name} is {str(column.iloc[row])!r}, not a number. Fetch the file "
            "again."
        )
    return values


def _samples(images: np.ndarray, points: np.ndarray, persons: np.ndarray | None) -> KeypointSamples:
    """Return all rows of a data set; their split is still to be found."""
    return KeypointSamples(
        split=Split.TRAIN,
        images=images,
        points=points,
        rows=np.arange(len(images)),
        persons=persons,
        note="split by image, persons unknown" if persons is None else "split by person",
    )


DATA_SET: Final = DataSet(
    name=NAME,
    title="Kaggle's Facial Keypoints Detection",
    page=_PAGE,
    splits=tuple(Split),
    # Persons are dealt out to splits from both files.
    packs=_PACKS,
    measured=(Split.VALID, Split.TEST),
    origin="video frames that were scaled so that the eyes have one size and place; half of them are "
    "enlarged, many are blurred. As far as known, their points were made by an automatic "
    "method, not by hand, so the errors above show how well that method is imitated",
    terms="for research use only",
)
