"""Accuracy on whole photos, from face detection to prediction; written by `python -m training photos`.

The photos are a development set (`training.sources.webphotos`): the default networks, input sizes and the
strength of the prior correction were chosen on it.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from fer_core.errors import DataError
from fer_core.evaluation.row_tables import read_row_table, write_row_table
from fer_core.settings import models_root

#: What the photos are, in sentences to stand beside figures.
WEB_PHOTOS: Final = (
    "The photos are press photos of one main face each (github.com/muxspace/facial_expressions), labelled by "
    "one annotator each as angry, happy, neutral, sad or surprise."
)
_MEND: Final = "Write it with: python -m training photos"


@dataclass(frozen=True, slots=True)
class PhotoAccuracy:
    """The accuracy of one network on photos with one size of faces; shares are fractions.

    Attributes:
        network: name of its bundle.
        weights_sha256: of its LiteRT file.
        threshold: below which it abstains.
        face_pixels: side of the network's crop of the face, in pixels of the photo, to which photos were
            shrunk; None for the photos as they are.
        n: photos in which a face was found and whose label the network knows.
        n_left_out: the other photos.
        n_landmarks: of the `n`, those with landmarks.
        accuracy, accuracy_low, accuracy_high: share of the `n` whose largest face is predicted as labelled,
            with its bootstrap 95 % interval over photos.
        macro_recall, macro_recall_low, macro_recall_high: mean over the expressions of the share of their
            photos that is predicted as labelled.
        coverage, coverage_low, coverage_high: share of the `n` that reaches the threshold.
        selective_accuracy, selective_accuracy_low, selective_accuracy_high: accuracy on those; NaN if there
            are none.
        mean_confidence: mean over the `n` of the confidence. Near the accuracy if probabilities are right.
        ece, ece_low, ece_high: calibration error, as in `fer_core.evaluation.measures`.
    """

    network: str
    weights_sha256: str
    threshold: float
    face_pixels: int | None
    n: int
    n_left_out: int
    n_landmarks: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_recall: float
    macro_recall_low: float
    macro_recall_high: float
    coverage: float
    coverage_low: float
    coverage_high: float
    selective_accuracy: float
    selective_accuracy_low: float
    selective_accuracy_high: float
    mean_confidence: float
    ece: float
    ece_low: float
    ece_high: float


def photo_accuracy_path() -> Path:
    """Return the path of the table under the bundle root."""
    return models_root() / "photos.parquet"


def write_photo_accuracy(rows: Sequence[PhotoAccuracy], path: Path) -> None:
    """Write the table, whole or not at all; equal rows give equal bytes."""
    write_row_table(rows, PhotoAccuracy, path)


def read_photo_accuracy(path: Path | None = None) -> list[PhotoAccuracy]:
    """Read the table, by default the one under the bundle root.

    Raises:
        DataError: it is missing, is no parquet file, lacks a column, or holds values that are no shares.
    """
    path = path or photo_accuracy_path()
    rows = read_row_table(path, PhotoAccuracy, what="accuracy on photos", mend=_MEND)
    shares = pd.DataFrame(
        rows, columns=["accuracy", "macro_recall", "coverage", "mean_confidence", "ece"]
    )
    shares = shares.apply(pd.to_numeric, errors="coerce")
    if not ((shares >= 0) & (shares <= 1)).all(axis=None):
        raise DataError(f"{path}: a column of shares has a value outside 0 to 1. {_MEND}")
    # Whole numbers and None in one column come back as floats.
    return [
        dataclasses.replace(
            row, face_pixels=None if pd.isna(row.face_pixels) else int(row.face_pixels or 0)
        )
        for row in rows
    ]
