"""How far landmarks found in a photo are from those found in the 48 pixels that data sets keep of it.

python -m tests.benchmarks.landmark_gap FOLDER

Training sees the second kind, users' photos the first. `LANDMARK_NOISE` in training/augment.py has the
root mean squares that this prints, so that training meets differences of that size.
"""

import sys
from pathlib import Path

import numpy as np

from fer_core.crops import crop_inputs, face_inputs
from fer_core.faces import CropFinder, FaceFinder
from fer_core.images import decode
from fer_core.inputs import photo_files
from fer_core.landmarks import IN_CROP, POSE, SHAPES, UPRIGHT
from tests.benchmarks.measuring import print_table

PARTS = {
    "upright points, face's size 1": UPRIGHT,
    "points in the crop, its side 1": IN_CROP,
    "blendshapes, 0 to 1": SHAPES,
    "head pose, radians": POSE,
}


def main(folder: str) -> None:
    """Measure all faces of a folder's photos and print."""
    finder, crop_finder = FaceFinder(), CropFinder()
    differences = []
    lost = 0
    for file in photo_files([Path(folder)]):
        photo = decode(file.read())
        for face in finder.find(photo.rgb):
            from_photo = face_inputs(photo.rgb, face)
            from_crop = crop_inputs(from_photo.image, crop_finder)
            if from_crop.landmarks_found:
                differences.append(from_crop.landmarks - from_photo.landmarks)
            else:
                lost += 1
    rows = []
    for name, part in PARTS.items():
        sizes = np.sqrt((np.array(differences)[:, part] ** 2).mean(axis=1))
        rows.append((name, f"{np.median(sizes):.4f}", f"{np.quantile(sizes, 0.9):.4f}"))
    print_table(
        f"Differences of {len(differences)} faces; {lost} more have landmarks in the photo alone",
        ("part of the feature vector", "root mean square, median face", "90 % of faces below"),
        rows,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
