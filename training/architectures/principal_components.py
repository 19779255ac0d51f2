"""Principal components of landmark features, since the 2,445 features are strongly correlated."""

from typing import Final, NamedTuple

import numpy as np

#: Added to each feature's variance. One that varies by less than the root of this, 0.01, is not enlarged to
#: the size of the others: what is left of it is noise. Units of the vector: shares of the face's size and of
#: the crop, blendshapes of 1, radians.
LEAST_VARIANCE: Final = 1e-4


class Components(NamedTuple):
    """The projection to components: `(x - mean) / sqrt(variance + LEAST_VARIANCE) @ kernel`.

    Attributes:
        mean, variance: float32 (F,), of each feature.
        kernel: float32 (F, n).
    """

    mean: np.ndarray
    variance: np.ndarray
    kernel: np.ndarray


def principal_components(vectors: np.ndarray, n: int, *, whitening: float) -> Components:
    """Return the first components of feature vectors.

    Features are standardised, then projected on the principal components of these vectors. A component's
    standard deviation is raised to the power 1 - 2 `whitening`: 0 leaves the components as they are, so
    that pose and the face's own shape drown a moving lip; 0.5 makes all alike, also those that are noise.
    The mean variance of a component is 1.

    Args:
        vectors: feature vectors (N, F), zeros where no landmarks were found.
        n: how many, the greatest first; at most the number of faces with landmarks.
        whitening: from 0 to 0.5.
    """
    from sklearn.decomposition import PCA

    vectors = vectors[vectors.any(axis=1)].astype(np.float32)
    mean, variance = vectors.mean(axis=0), vectors.var(axis=0)
    pca = PCA(n, svd_solver="covariance_eigh")
    pca.fit((vectors - mean) / np.sqrt(variance + LEAST_VARIANCE))
    variances = pca.explained_variance_
    # Scaled by a power of its variance, a component's own variance becomes this.
    left = variances ** (1 - 2 * whitening)
    scales = variances**-whitening / np.sqrt(left.mean())
    return Components(mean, variance, (pca.components_.T * scales).astype(np.float32))
