"""Handling of unequal class sizes: resampled rows, or another loss."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from training.errors import TrainingError
from training.sources import Samples

if TYPE_CHECKING:
    import keras

#: Eigenfaces (Turk and Pentland 1991) that SMOTE may look for neighbours among.
EIGENFACES: Final = 64

#: Each row of training data: its sample and its target, float32 (N, classes).
Rows = tuple[Samples, np.ndarray]

#: What is done about classes of unequal size, see `Balance`.
Strategy = Literal[
    "none",
    "class_weights",
    "oversampling",
    "smote",
    "smote_eigenfaces",
    "focal",
    "logit_adjustment",
]


class Balance(BaseModel):
    """Settings for rare classes.

    Attributes:
        strategy: `none`; `class_weights`, a loss inversely proportional to the class's frequency;
            `oversampling`, rows of rare classes repeated at random until all are as frequent; `smote`,
            images blended between a row and one of its nearest neighbours of the same class in its
            place (Chawla et al. 2002, arXiv:1106.1813); `smote_eigenfaces`, the same with neighbours by
            the whitened coordinates of eigenfaces instead of by pixels; `focal`, a loss that easy rows
            take little part in (Lin et al. 2017, arXiv:1708.02002); `logit_adjustment`, logits that
            each class's log frequency is added to while training (Menon et al. 2021, arXiv:2007.07314).
        focal_gamma: exponent of the focal loss.
        adjustment: factor of the log frequencies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Strategy = "none"
    focal_gamma: float = Field(default=2.0, ge=0)
    adjustment: float = Field(default=1.0, ge=0)

    @property
    def adds_rows(self) -> bool:
        """Whether there are more rows to train on than the data set has."""
        return self.strategy in ("oversampling", "smote", "smote_eigenfaces")

    def rows(self, samples: Samples, targets: np.ndarray, seed: int) -> Rows:
        """Return the rows to train on, real and synthetic, with their targets.

        Made rows have the next unused row numbers.

        Raises:
            TrainingError: SMOTE is asked to blend faces together with landmarks, or a class has too few
                faces for it.
        """
        if self.strategy == "oversampling":
            return _oversampled(samples, targets, seed)
        if self.strategy == "smote":
            return _smote(samples, targets, seed, neighbours=None)
        if self.strategy == "smote_eigenfaces":
            return _smote(samples, targets, seed, neighbours=_eigenfaces(samples))
        return samples, targets

    def loss(self, targets: np.ndarray, *, label_smoothing: float) -> "keras.losses.Loss":
        """Return the loss of logits (B, classes).

        Args:
            targets: of all training rows, (N, classes); their mean gives the class shares.
            label_smoothing: share of each target spread over all classes.
        """
        import keras
        from keras import ops

        shares = targets.mean(axis=0, dtype=np.float64)
        present = shares > 0
        plain = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing
        )
        if self.strategy == "focal":
            return keras.losses.CategoricalFocalCrossentropy(
                # Of no class more than of another: what is studied is the exponent.
                alpha=1.0,
                gamma=self.focal_gamma,
                from_logits=True,
                label_smoothing=label_smoothing,
            )
        if self.strategy == "class_weights":
            # 1 on average over the rows, so that the learning rate keeps its meaning.
            weights = np.zeros(len(shares), np.float32)
            weights[present] = 1.0 / (present.sum() * shares[present])

            def weighted(
                y_true: "keras.KerasTensor", y_pred: "keras.KerasTensor"
            ) -> "keras.KerasTensor":
                return ops.sum(y_true * weights, axis=-1) * plain.call(y_true, y_pred)

            return _loss(weighted, "class_weights")
        if self.strategy == "logit_adjustment":
            # None for a class without rows, which would otherwise never learn to be unlikely.
            offsets = np.zeros(len(shares), np.float32)
            offsets[present] = self.adjustment * np.log(shares[present])

            def adjusted(
                y_true: "keras.KerasTensor", y_pred: "keras.KerasTensor"
            ) -> "keras.KerasTensor":
                return plain.call(y_true, y_pred + offsets)

            return _loss(adjusted, "logit_adjustment")
        return plain


def _loss(
    function: "Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]", name: str
) -> "keras.losses.Loss":
    import keras

    class Rebalanced(keras.losses.Loss):
        def call(
            self, y_true: "keras.KerasTensor", y_pred: "keras.KerasTensor"
        ) -> "keras.KerasTensor":
            return function(y_true, y_pred)

    return Rebalanced(name=name)


def _oversampled(samples: Samples, targets: np.ndarray, seed: int) -> Rows:
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(random_state=seed)
    sampler.fit_resample(samples.labels[:, None], samples.labels)
    chosen = sampler.sample_indices_
    return samples.select(chosen), targets[chosen]


def _smote(samples: Samples, targets: np.ndarray, seed: int, neighbours: Any | None) -> Rows:
    """Return real rows, then blended ones; a blend's target is one-hot, as SMOTE has it."""
    from imblearn.over_sampling import SMOTE

    if samples.landmarks is not None:
        raise TrainingError(
            "SMOTE blends two images into a new one, and a blend of two faces has no landmarks. Use "
            "balance.strategy=oversampling or class_weights for networks that see landmarks."
        )
    pixels = samples.images.reshape(len(samples), -1).astype(np.float32)
    sampler = SMOTE(
        random_state=seed, **({} if neighbours is None else {"k_neighbors": neighbours})
    )
    try:
        blended, labels = sampler.fit_resample(pixels, samples.labels)
    except ValueError as error:
        raise TrainingError(f"SMOTE cannot blend the faces of these rows: {error}") from error
    n_made = len(labels) - len(samples)
    images = (
        np.rint(blended[len(samples) :]).astype(np.uint8).reshape(n_made, *samples.images.shape[1:])
    )
    whole = dataclasses.replace(
        samples,
        images=np.concatenate([samples.images, images]),
        labels=labels.astype(np.int64),
        rows=np.concatenate([samples.rows, samples.rows.max() + 1 + np.arange(n_made)]),
        clean=np.concatenate([samples.clean, np.ones(n_made, bool)]),
        is_face=np.concatenate([samples.is_face, np.ones(n_made, bool)]),
        votes=None,
        persons=None,
        added=None
        if samples.added is None
        else np.concatenate([samples.added, np.zeros(n_made, bool)]),
    )
    made = np.eye(targets.shape[1], dtype=np.float32)[labels[len(samples) :]]
    return whole, np.concatenate([targets, made])


def _eigenfaces(samples: Samples) -> Any:
    """Return a finder of SMOTE's five neighbours that measures distances between eigenface coordinates."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors

    n = min(EIGENFACES, len(samples) - 1)
    faces = PCA(n, whiten=True, random_state=0).fit(samples.images.reshape(len(samples), -1))

    class ByEigenfaces(NearestNeighbors):
        def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> "ByEigenfaces":  # noqa: N803
            super().fit(faces.transform(X), y)
            return self

        def kneighbors(self, X: np.ndarray, **options: Any) -> Any:  # noqa: N803
            return super().kneighbors(faces.transform(X), **options)

    # The nearest neighbour of a row is the row itself.
    return ByEigenfaces(n_neighbors=6)
