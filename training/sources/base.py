"""What every data source yields."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from fer_core.crops import INPUT_SIZE
from fer_core.expressions import LabelSpace


class Split(StrEnum):
    """The official parts of a data set, by the words of the command line."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The labelled faces of one split, in the data set's own order.

    Attributes:
        source: name of the source, as the command line has it.
        split: which part this is.
        label_space: meaning and order of the labels.
        images: uint8 (N, 48, 48), grey.
        labels: int64 (N,), indices into `label_space`.
        rows: int64 (N,), the data set's own number of each image; unique, stable over versions.
        clean: bool (N,), False where the training split holds an exact or near copy of the image.
        is_face: bool (N,), False where the data set's annotators agree that no face is to be seen.
        votes: int64 (N, 10), how many FER+ annotators chose each answer; None where the data has none.
    """

    source: str
    split: Split
    label_space: LabelSpace
    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    clean: np.ndarray
    is_face: np.ndarray
    votes: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.images.shape != (n, INPUT_SIZE, INPUT_SIZE) or self.images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 (N, {INPUT_SIZE}, {INPUT_SIZE}), "
                f"got {self.images.dtype} {self.images.shape}"
            )
        for name in ("labels", "rows", "clean", "is_face"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), got {getattr(self, name).shape}")
        if self.votes is not None and len(self.votes) != n:
            raise ValueError(f"votes must have {n} rows, got {len(self.votes)}")

    def __len__(self) -> int:
        return len(self.images)

    def select(self, keep: np.ndarray) -> "Samples":
        """Return the samples where the boolean mask `keep` (N,) is True, in the same order."""
        return Samples(
            source=self.source,
            split=self.split,
            label_space=self.label_space,
            images=self.images[keep],
            labels=self.labels[keep],
            rows=self.rows[keep],
            clean=self.clean[keep],
            is_face=self.is_face[keep],
            votes=None if self.votes is None else self.votes[keep],
        )

    def counts(self) -> dict[str, int]:
        """Return the number of samples of each class, in label order."""
        counted = np.bincount(self.labels, minlength=len(self.label_space))
        return {
            str(label): int(n) for label, n in zip(self.label_space.labels, counted, strict=True)
        }
