"""How far the keypoints of the pack lie from where MediaPipe sees the same points.

FER_DATA=... python -m tests.benchmarks.keypoint_offset

Each image is also looked at in the mirror, and its points mirrored back, so that MediaPipe's own bias along x
cancels out. What it calls a brow's end or a nose's tip differs, along x by opposite amounts on both sides.
"""

from typing import Final

import numpy as np

from fer_core.faces import CropFinder
from fer_core.keypoints import KEYPOINT_SIZE, POINT_NAMES, mirror_points
from fer_core.landmarks import keypoints
from training.sources import Split, load_keypoints
from training.sources.keypoints import PACK_OFFSET_X

#: Every eighth image: neighbours are frames of one video.
STEP: Final = 8


def main() -> None:
    """Print the mean offset along x and y, of all points and of each."""
    samples = load_keypoints(Split.TRAIN)
    finder, order = CropFinder(), mirror_points()
    offsets = []
    for image, points in zip(samples.images[::STEP], samples.points[::STEP], strict=True):
        faces = [finder.find(np.ascontiguousarray(view)) for view in (image, image[:, ::-1])]
        if any(face is None or face.mesh is None for face in faces):
            continue
        plain, mirrored = (keypoints(face.mesh.landmarks) for face in faces if face and face.mesh)
        mirrored = (mirrored * [-1, 1] + [KEYPOINT_SIZE, 0])[order]
        # MediaPipe counts from the image's edge, labels from the middle of its first pixel.
        offsets.append(points + 0.5 - (plain + mirrored) / 2)
    found = np.add(offsets, [PACK_OFFSET_X, 0])
    print(
        f"{len(found)} images; mean offset x {found[..., 0].mean():+.2f}, y {found[..., 1].mean():+.2f}"
    )
    for name, (x, y) in zip(POINT_NAMES, found.mean(axis=0), strict=True):
        print(f"{name:<26} x {x:+.2f}  y {y:+.2f}")


if __name__ == "__main__":
    main()
