"""The samples of data sources."""

import dataclasses
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from fer_core.expressions import Expression, LabelSpace, label_map
from fer_core.faces.crops import INPUT_SIZE


def sha256_of_arrays(*arrays: np.ndarray) -> str:
    """Return a SHA-256 digest of arrays, equal only for equal arrays."""
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(f"{values.dtype}{values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


class Split(StrEnum):
    """The official parts of a data set, by their names on the command line."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


#: What the FER+ annotators chose among, in the order of `Samples.votes`; the last two are answers too.
VOTES: Final = (
    *(Expression.NEUTRAL, Expression.HAPPY, Expression.SURPRISE, Expression.SAD, Expression.ANGRY),
    *(Expression.DISGUST, Expression.FEAR, Expression.CONTEMPT, "unknown", "not a face"),
)


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
        votes: int64 (N, 10), how many FER+ annotators chose each of `VOTES`; None where the data has none.
        landmarks: float16 (N, FEATURE_SIZE), `landmarks.feature_vector` of each image, zeros where none
            were found; None until `landmark_cache.with_landmarks` adds them.
        persons: int64 (N,), who is shown; None where the data does not tell.
        added: bool (N,), True for faces that a second data set gave (`training.sources.joined`); None where
            all are of one.
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
    landmarks: np.ndarray | None = None
    persons: np.ndarray | None = None
    added: np.ndarray | None = None

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
        for name in ("votes", "landmarks", "persons", "added"):
            values = getattr(self, name)
            if values is not None and len(values) != n:
                raise ValueError(f"{name} must have {n} rows, got {len(values)}")

    def __len__(self) -> int:
        return len(self.images)

    def select(self, keep: np.ndarray) -> "Samples":
        """Return the samples where the boolean mask `keep` (N,) is True, or those that indices name."""
        arrays = (
            *("images", "labels", "rows", "clean", "is_face"),
            *("votes", "landmarks", "persons", "added"),
        )
        chosen = {
            name: values[keep] for name in arrays if (values := getattr(self, name)) is not None
        }
        return dataclasses.replace(self, **chosen)

    def within(self, space: LabelSpace) -> "Samples":
        """Return the samples whose class is in a label space, with its labels."""
        labels = label_map(self.label_space, space)[self.labels]
        kept = self.select(labels >= 0)
        return dataclasses.replace(kept, label_space=space, labels=labels[labels >= 0])

    def counts(self) -> dict[str, int]:
        """Return the number of samples of each class, in label order."""
        counted = np.bincount(self.labels, minlength=len(self.label_space))
        return {
            str(label): int(n) for label, n in zip(self.label_space.labels, counted, strict=True)
        }


def hundredth_of(name: str) -> int:
    """Return 0 to 99 by the SHA-256 of a file name, to split files in the same way on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % 100
