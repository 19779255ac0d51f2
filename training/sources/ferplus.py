"""FER+: FER2013's images, labelled by the majority of ten annotators (Barsoum et al. 2016, arXiv:1608.01041).

Splits, rows and copies are those of `training.sources.fer2013`, which reads the images and the votes. Labels
follow the authors' code in its mode `majority` (github.com/microsoft/FERPlus, src/ferplus.py): an answer
that a single annotator gave counts for nothing; the answer with the most votes is the label if it has more
than half of those that are left; rows without such an answer, and rows whose answer is "unknown" or "not a
face", are left out. That keeps 25,060 training, 3,199 validation and 3,153 test rows; without contempt,
24,941, 3,186 and 3,137.
"""

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np

from fer_core.errors import DataError
from fer_core.evaluation.human_agreement import OTHERS
from fer_core.expressions import FERPLUS
from training.sources import fer2013
from training.sources.base import VOTES, Samples, Split
from training.sources.source import NothingFoundError, OwnLayoutSource, not_found

NAME: Final = "ferplus"
_EXPECTED: Final = """one of
  {root}/fer2013/train.parquet, valid.parquet, test.parquet   (the parquet pack)
  {root}/fer2013/fer2013.csv (or icml_face_data.csv), fer2013new.csv  (Kaggle's and Microsoft's files)"""
_PAGE: Final = "https://github.com/microsoft/FERPlus (the votes; the images as for fer2013)"
#: Votes for one answer, from which on they count: one alone is taken for a slip.
_LEAST_VOTES: Final = 2


def load(root: Path, split: Split) -> Samples:
    """Read one official split of FER2013, the rows that FER+ has a majority label for.

    Raises:
        DataError: FER2013 is not there or malformed, or lies there without the votes.
    """
    faces, votes = _load_faces(root, split)
    labels = majority_labels(votes)
    kept = faces.select(labels >= 0)
    return dataclasses.replace(kept, source=NAME, label_space=FERPLUS, labels=labels[labels >= 0])


def load_votes(root: Path, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the votes for every face of a split, as `Samples.votes`, and FER2013's own labels.

    Raises:
        DataError: FER2013 is not there or malformed, or lies there without the votes.
    """
    faces, votes = _load_faces(root, split)
    return votes, faces.labels


def _load_faces(root: Path, split: Split) -> tuple[Samples, np.ndarray]:
    """Return all faces of a split of FER2013, and their votes."""
    try:
        faces = fer2013.load(root, split)
    except NothingFoundError as error:
        raise not_found(
            f"FER2013 ({split}), whose images FER+ labels again,",
            root / fer2013.NAME,
            expected=_EXPECTED.format(root=root),
            page=_PAGE,
        ) from error
    if faces.votes is None:
        raise DataError(
            f"FER+ labels come from votes, and FER2013 lies in {root} without them. Put fer2013new.csv "
            "beside Kaggle's fer2013.csv (class folders do not tell which votes belong to which image), or "
            f"use the parquet pack.\nDownload: {_PAGE}"
        )
    return faces, faces.votes


def counted_votes(votes: np.ndarray) -> np.ndarray:
    """Return the votes with those that an annotator gave alone left out, int64 (N, 10)."""
    return np.where(votes >= _LEAST_VOTES, votes, 0)


def majority_labels(votes: np.ndarray) -> np.ndarray:
    """Return the label that most annotators agree on, in FER+'s label space.

    Args:
        votes: int64 (N, 10), as `Samples.votes`.

    Returns:
        int64 (N,), -1 where no expression has more than half of the votes that count.
    """
    counted = counted_votes(votes)
    has_majority = 2 * counted.max(axis=1) > counted.sum(axis=1)
    label_of = np.array(
        [FERPLUS.labels.index(vote) if vote in FERPLUS.labels else -1 for vote in VOTES],
        dtype=np.int64,
    )
    return np.where(has_majority, label_of[counted.argmax(axis=1)], -1)


SOURCE: Final = OwnLayoutSource(
    name=NAME,
    title="FER+",
    page=_PAGE,
    splits=fer2013.SOURCE.splits,
    label_space=FERPLUS,
    read=load,
    images_of=fer2013.NAME,
    votes_of=NAME,
    official_splits=fer2013.SOURCE.official_splits,
    packs=fer2013.SOURCE.packs,
    measured=(Split.TEST,),
    ceiling=OTHERS,
    judge="the majority of ten people (FER+)",
    origin="results of a web search in the year 2013, labelled by the majority of ten people; those "
    "without a majority are left out",
    terms="the votes are under the MIT licence; the images are FER2013's, under its terms",
    hidden_because=fer2013.SOURCE.hidden_because,
    credit=fer2013.SOURCE.credit,
)
