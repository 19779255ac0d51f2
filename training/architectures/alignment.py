"""Alignment: a transform that moves a face's landmarks to the average face's, and the resampled image.

The transform is the similarity that fits the average face's points to the face's own with least squares
(Umeyama 1991), and it samples as in a spatial transformer (Jaderberg et al. 2015, arXiv:1506.02025),
except that landmarks say where to look instead of a network that would have to learn it.
"""

from typing import TYPE_CHECKING

import numpy as np

from fer_core.faces.landmarks import FEATURE_SIZE, IN_CROP, mirror_order

if TYPE_CHECKING:
    import keras


def average_face(vectors: np.ndarray) -> np.ndarray:
    """Return the average place of each landmark in the crop, float32 (478, 2), the same in the mirror.

    Args:
        vectors: feature vectors (N, FEATURE_SIZE), zeros where no landmarks were found.

    Returns:
        x and y from the crop's centre, as shares of its side.
    """
    vectors = vectors[vectors.any(axis=1)]
    mean = vectors.mean(axis=0, dtype=np.float64)
    order, signs = mirror_order()
    symmetric = (mean + mean[order] * signs) / 2
    result: np.ndarray = symmetric[IN_CROP].reshape(-1, 2).astype(np.float32)
    return result


def alignment_kernel(face: np.ndarray) -> np.ndarray:
    """Return the matrix from a feature vector to the transform from aligned to crop coordinates.

    The least-squares fit of a similarity to points is linear in them, so one matrix does it.

    Args:
        face: where each landmark is to lie, (478, 2), as `average_face` returns it.

    Returns:
        float32 (FEATURE_SIZE, 6): a vector times it is (a, -b, x, b, a, y), by which (u, v) in the
        aligned image comes from (a u - b v + x, b u + a v + y) in the crop, from the centres, as shares
        of the side.
    """
    centre = face.mean(axis=0, dtype=np.float64)
    offsets = face - centre
    size = (offsets**2).sum()
    n = len(face)
    a, b, x, y = (np.zeros((n, 2)) for _ in range(4))
    a[:] = offsets / size
    b[:, 0], b[:, 1] = -offsets[:, 1] / size, offsets[:, 0] / size
    x[:, 0] = y[:, 1] = 1 / n
    x -= a * centre[0] - b * centre[1]
    y -= b * centre[0] + a * centre[1]
    kernel = np.zeros((FEATURE_SIZE, 6), np.float32)
    kernel[IN_CROP] = np.stack([part.ravel() for part in (a, -b, x, b, a, y)], axis=1)
    return kernel


def sample(images: "keras.KerasTensor", transform: "keras.KerasTensor") -> "keras.KerasTensor":
    """Return images (N, S, S, 1) read at transformed places, bilinearly, their rim's values beyond it.

    `keras.ops.image.affine_transform` does the same, but has no counterpart in LiteRT.

    Args:
        images: grey values.
        transform: (N, 6), as a vector times `alignment_kernel` gives it.
    """
    from keras import ops

    side = images.shape[1]
    # Pixels from the middle: numbers that float16 holds, unlike shares of the side.
    middle = (side - 1) / 2
    steps = np.arange(side, dtype=np.float32) - middle
    v, u = (grid.reshape(1, -1) for grid in np.meshgrid(steps, steps, indexing="ij"))

    def pixels(row: int) -> "keras.KerasTensor":
        part = transform[:, row : row + 3]
        found = part[:, 0:1] * u + part[:, 1:2] * v + part[:, 2:3] * side
        return ops.clip(found + middle, 0.0, side - 1.0)

    x, y = pixels(0), pixels(3)
    left, top = (ops.minimum(ops.floor(places), side - 2.0) for places in (x, y))
    flat = ops.reshape(images, (-1, side * side))
    corner = ops.cast(top * side + left, "int32")

    def at(offset: int) -> "keras.KerasTensor":
        return ops.take_along_axis(flat, corner + offset, axis=1)

    to_right, down = x - left, y - top
    upper = at(0) * (1 - to_right) + at(1) * to_right
    lower = at(side) * (1 - to_right) + at(side + 1) * to_right
    return ops.reshape(upper * (1 - down) + lower * down, (-1, side, side, 1))
