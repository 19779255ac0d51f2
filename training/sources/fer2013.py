"""FER2013: 35,887 grey faces of 48x48, seven classes (Goodfellow et al. 2013, arXiv:1307.0414).

Three layouts are read, whichever lies under the data root:

- the parquet pack, `fer2013/{train,valid,test}.parquet`, with FER+ votes and `fer2013/leaks.csv`;
- the original Kaggle file, `fer2013/fer2013.csv` or `fer2013.csv` (columns emotion, pixels, Usage), or
  Kaggle's other edition of it, `icml_face_data.csv`, with the FER+ votes if Microsoft's `fer2013new.csv`
  lies beside it;
- class folders named by split, `fer2013/{train,valid,test}/{angry,...}/*`, if they are the official splits.

Splits are the official ones: Training (28,709), PublicTest (3,589, validation), PrivateTest (3,589, test).
The last two are read only where it can be told which of their rows have copies in the first.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from fer_core.errors import DataError
from fer_core.evaluation.human_agreement import FER2013_LABEL
from fer_core.expressions import FER2013
from fer_core.faces.crops import INPUT_SIZE
from training.sources.base import Samples, Split
from training.sources.class_folders import class_files, find_split_folder, read_split
from training.sources.copies import copies_in
from training.sources.packs import (
    check_labels,
    decode_faces,
    parse_pixels,
    read_pack,
    read_votes,
)
from training.sources.source import MissingDataError, OwnLayoutSource, not_found

NAME: Final = "fer2013"
_USAGE: Final = {
    Split.TRAIN: "Training",
    Split.VALID: "PublicTest",
    Split.TEST: "PrivateTest",
}
#: How many rows the official splits have. Of class folders nothing else tells whether they are these.
COUNTS: Final = {Split.TRAIN: 28_709, Split.VALID: 3_589, Split.TEST: 3_589}
#: The columns of FER+'s file; NF is "not a face".
_VOTES: Final = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "NF"),
)
#: Kaggle's file, and the other edition of it there, in the same order.
_CSV_NAMES: Final = ("fer2013.csv", "icml_face_data.csv")
#: Ten annotators voted for FER+; this many votes for "not a face" means all of them.
_ALL_ANNOTATORS: Final = 10

_EXPECTED: Final = """one of
  {root}/fer2013/train.parquet, valid.parquet, test.parquet   (the parquet pack)
  {root}/fer2013/fer2013.csv, or icml_face_data.csv           (the original file of Kaggle's challenge)
  {root}/fer2013/train/angry/*.png, valid/..., test/...       (class folders named by split)"""
_PAGE: Final = "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge"


def load(root: Path, split: Split) -> Samples:
    """Read one official split.

    Raises:
        DataError: no known layout under `root`, or a malformed file; says what was found and expected.
    """
    folder = root / "fer2013"
    if (parquet := folder / f"{split}.parquet").is_file():
        return _load_parquet(parquet, split)
    for csv in (place / name for place in (folder, root) for name in _CSV_NAMES):
        if csv.is_file():
            return _load_csv(csv, split)
    parts: dict[Split, Path] = {}
    for part in (split, Split.TRAIN):
        if (place := find_split_folder(folder, part)) is None:
            what = f"FER2013's {part} split" if folder.is_dir() else "FER2013"
            raise not_found(what, folder, expected=_EXPECTED.format(root=root), page=_PAGE)
        parts[part] = place
    return _load_folders(parts, split)


def _load_parquet(path: Path, split: Split) -> Samples:
    table = read_pack(path, ("image", "label", "index", *_VOTES))
    check_labels(path, table["label"], "label", len(FER2013))
    rows = table["index"].to_numpy(np.int64)
    votes = read_votes(path, table[list(_VOTES)], _ALL_ANNOTATORS)
    clean = np.ones(len(table), bool)
    if split is not Split.TRAIN:
        leaks = _read_leaks(path.with_name("leaks.csv"))
        # "probable" pairs (correlation 0.90 to 0.95) are left in: 7 % of them are different photos.
        copies = leaks.loc[leaks["kind"].isin(["exact", "near"]), "index"]
        clean = ~np.isin(rows, copies.to_numpy(np.int64))
    return Samples(
        source=NAME,
        split=split,
        label_space=FER2013,
        images=decode_faces(path, table["image"]),
        labels=table["label"].to_numpy(np.int64),
        rows=rows,
        clean=clean,
        is_face=votes[:, -1] < _ALL_ANNOTATORS,
        votes=votes,
    )


def _read_leaks(path: Path) -> pd.DataFrame:
    try:
        leaks = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). It lists the rows with copies in the training split, "
            "without which no clean figures can be given. Restore it from the pack."
        ) from error
    if missing := {"index", "kind"} - set(leaks.columns):
        raise DataError(f"{path} lacks the column {', '.join(sorted(missing))}.")
    return leaks


def _load_csv(path: Path, split: Split) -> Samples:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable CSV file ({error}).") from error
    # icml_face_data.csv has blanks before its column names.
    table.columns = table.columns.str.strip()
    if missing := {"emotion", "pixels", "Usage"} - set(table.columns):
        raise DataError(
            f"{path} lacks the column {', '.join(sorted(missing))}; it has "
            f"{', '.join(map(str, table.columns))}. Use Kaggle's original fer2013.csv."
        )
    check_labels(path, table["emotion"], "emotion", len(FER2013))
    for usage in (_USAGE[split], _USAGE[Split.TRAIN]):
        if not (table["Usage"] == usage).any():
            raise MissingDataError(
                f"{path} has no row with Usage {usage!r}; it has "
                f"{', '.join(sorted(map(str, table['Usage'].unique())))}. Put Kaggle's whole file there.\n"
                f"Download: {_PAGE}"
            )
    part = table["Usage"] == _USAGE[split]
    images = parse_pixels(path, table.loc[part, "pixels"], side=INPUT_SIZE)
    if split is Split.TRAIN:
        clean = np.ones(len(images), bool)
    else:
        training = table.loc[table["Usage"] == _USAGE[Split.TRAIN], "pixels"]
        clean = ~copies_in(images, parse_pixels(path, training, side=INPUT_SIZE))
    rows = np.flatnonzero(part).astype(np.int64)
    votes = _load_votes(path.with_name("fer2013new.csv"), table["Usage"])
    if votes is not None:
        votes = votes[rows]
    return Samples(
        source=NAME,
        split=split,
        label_space=FER2013,
        images=images,
        labels=pd.to_numeric(table.loc[part, "emotion"]).to_numpy(np.int64),
        rows=rows,
        clean=clean,
        is_face=_is_not_constant(images) if votes is None else votes[:, -1] < _ALL_ANNOTATORS,
        votes=votes,
    )


def _load_votes(path: Path, usage: "pd.Series[str]") -> np.ndarray | None:
    """Return the FER+ votes of all rows of Kaggle's file, int64 (N, 10); None without the file.

    Args:
        path: of the file of votes.
        usage: of each row of Kaggle's file.

    Raises:
        DataError: the file is malformed, or has other rows than Kaggle's.
    """
    if not path.is_file():
        return None
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable CSV file ({error}).") from error
    if missing := set(_VOTES) - set(table.columns):
        raise DataError(f"{path} lacks the column {', '.join(sorted(missing))}.")
    mend = "the votes belong to the images row by row. Use Microsoft's file beside Kaggle's, both whole."
    if len(table) != len(usage):
        raise DataError(
            f"{path} has {len(table):,} rows and the file of images {len(usage):,}; {mend}"
        )
    if "Usage" in table:
        differs = np.flatnonzero(table["Usage"].to_numpy() != usage.to_numpy())
        if len(differs):
            row = differs[0]
            raise DataError(
                f"{path}, row {row}: Usage is {str(table['Usage'].iat[row])!r}, and "
                f"{str(usage.iat[row])!r} in the file of images; {mend}"
            )
    return read_votes(path, table[list(_VOTES)], _ALL_ANNOTATORS)


def _load_folders(parts: dict[Split, Path], split: Split) -> Samples:
    for part, place in parts.items():
        _check_count(part, place)
    images, labels, clean = read_split(parts, split, FER2013)
    return Samples(
        source=NAME,
        split=split,
        label_space=FER2013,
        images=images,
        labels=labels,
        rows=np.arange(len(images), dtype=np.int64),
        clean=clean,
        is_face=_is_not_constant(images),
    )


def _check_count(split: Split, folder: Path) -> None:
    """Raise MissingDataError unless class folders hold as many images as the official split."""
    if (n := sum(len(files) for files in class_files(folder).values())) != COUNTS[split]:
        raise MissingDataError(
            f"{folder} holds {n:,} images, and FER2013's {_USAGE[split]} has {COUNTS[split]:,}: these are "
            "other splits (Kaggle's msambare/fer2013 has PublicTest and PrivateTest together in its folder "
            f"test). Use them as your own, folder:{folder.parent}, or put the original fer2013.csv there.\n"
            f"Download: {_PAGE}"
        )


def _is_not_constant(images: Iterable[np.ndarray]) -> np.ndarray:
    """Without FER+ votes, only the images of a single grey value are known to show no face."""
    return np.array([image.min() != image.max() for image in images], bool)


SOURCE: Final = OwnLayoutSource(
    name=NAME,
    title="FER2013",
    page=_PAGE,
    splits=tuple(Split),
    label_space=FER2013,
    read=load,
    votes_of="ferplus",
    official_splits=_USAGE,
    packs=("fer2013/train.parquet", "fer2013/valid.parquet", "fer2013/leaks.csv"),
    measured=(Split.VALID, Split.TEST),
    ceiling=FER2013_LABEL,
    judge="FER2013's own labels",
    origin="results of a web search in the year 2013, labelled by few people; annotators disagree on "
    "many of them",
    terms="published for research (ICML 2013 workshop challenge); the photos come from the web and their "
    "rights stay with their owners",
    hidden_because=None,
    credit="Pictures of FER2013 ([Goodfellow et al. 2013](https://arxiv.org/abs/1307.0414)), shown for "
    "research; their rights stay with their owners.",
)
