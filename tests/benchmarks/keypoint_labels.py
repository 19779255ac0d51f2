"""How far the labels of the keypoint pack can be trusted: their offset, and their noise.

FER_DATA=... python -m tests.benchmarks.keypoint_labels

MediaPipe, which never saw these labels, looks at each image and at its mirror image, whose points are
mirrored back, so that its own bias along x cancels out. What it calls a brow's end or a nose's tip differs,
along x by opposite amounts on both sides.

The noise: MediaPipe and the bundle `keypoints` err each in its own way, except where it is the label that is
wrong, which both miss alike. So the covariance of their errors estimates the variance of the labels' noise,
below which no network's error on such labels can fall. Errors that the two observers share make it too high.
"""

import math
from typing import Final

import numpy as np

from fer_core.faces.finder import CropFinder
from fer_core.faces.landmarks import keypoints
from fer_core.networks.keypoints import (
    KEYPOINT_SIZE,
    POINT_NAMES,
    KeypointFinder,
    measure_keypoints,
    mirror_points,
    resolve_keypoints,
)
from training.sources import KeypointSamples, Split, load_keypoints
from training.sources.keypoints import PACK_OFFSET_X

#: Every eighth training image: neighbours are frames of one video.
STEP: Final = 8


def main() -> None:
    """Print the mean offset along x and y, of all points and of each, then the noise."""
    train = load_keypoints(Split.TRAIN)
    rows, seen = by_mediapipe(train.images[::STEP])
    found = train.points[::STEP][rows] + [PACK_OFFSET_X, 0] - seen
    print(
        f"{len(found)} images; mean offset x {found[..., 0].mean():+.2f}, y {found[..., 1].mean():+.2f}"
    )
    for name, (x, y) in zip(POINT_NAMES, found.mean(axis=0), strict=True):
        print(f"{name:<26} x {x:+.2f}  y {y:+.2f}")
    print_noise(load_keypoints(Split.VALID))


def by_mediapipe(images: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return which images MediaPipe finds a face in, both ways, and its 15 points (N, 15, 2) there."""
    finder, order = CropFinder(), mirror_points()
    rows, points = [], []
    for row, image in enumerate(images):
        faces = [finder.find(np.ascontiguousarray(view)) for view in (image, image[:, ::-1])]
        meshes = [face.mesh for face in faces if face is not None and face.mesh is not None]
        if len(meshes) < len(faces):
            continue
        plain, mirrored = (keypoints(mesh.landmarks) for mesh in meshes)
        mirrored = (mirrored * [-1, 1] + [KEYPOINT_SIZE, 0])[order]
        rows.append(row)
        # MediaPipe counts from the image's edge, labels from the middle of its first pixel.
        points.append((plain + mirrored) / 2 - 0.5)
    return rows, np.array(points)


def print_noise(samples: KeypointSamples) -> None:
    """Print both observers' errors, each point's mean error taken off, and what they share."""
    bundle = resolve_keypoints()
    if bundle is None:
        print("No keypoints bundle is here to compare with.")
        return
    rows, points = by_mediapipe(samples.images)
    labelled = samples.points[rows]
    errors = {}
    for name, seen in {
        "keypoints": KeypointFinder(bundle).find(samples.images[rows]),
        "MediaPipe": points,
    }.items():
        error = seen - labelled
        errors[name] = error - error.mean(axis=0)
        m = measure_keypoints(labelled, labelled + errors[name], persons=samples.n_persons)
        print(f"{name:<10} RMSE {m.rmse:.2f} px, mean error {m.normalized_mean_error:.2%}")
        if name == "keypoints":
            share = m.normalized_mean_error / m.rmse
    noise = math.sqrt((errors["keypoints"] * errors["MediaPipe"]).mean())
    print(
        f"in common  RMSE {noise:.2f} px, mean error about {share * noise:.2%} ({len(rows)} images)"
    )


if __name__ == "__main__":
    main()
