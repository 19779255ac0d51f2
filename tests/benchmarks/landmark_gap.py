"""How far landmarks found in a photo are from those found in the 48 pixels that data sets keep of it.

python -m tests.benchmarks.landmark_gap FOLDER

Training sees the second kind, users' photos the first. `LANDMARK_NOISE` in training/schema/augment.py has the
root mean squares that this prints, so that training meets differences of that size. What is left of the gap
is how far the answers of the networks that see landmarks differ between the two.
"""

import io
import sys

import numpy as np

from fer_core.batch.inputs import input_files
from fer_core.faces.crops import FaceInputs, crop_inputs, face_inputs
from fer_core.faces.finder import CropFinder, FaceFinder
from fer_core.faces.landmarks import IN_CROP, POSE, SHAPES, UPRIGHT
from fer_core.networks.bundles import Bundle, resolvable
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
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
    pairs = []
    lost = 0
    for file in input_files([folder], io.BytesIO()):
        photo = decode(file.read())
        for face in finder.find(photo.rgb):
            from_photo = face_inputs(photo.rgb, face)
            from_crop = crop_inputs(from_photo.image, crop_finder)
            if from_crop.landmarks_found:
                pairs.append((from_photo, from_crop))
            else:
                lost += 1
    differences = np.array([b.landmarks - a.landmarks for a, b in pairs])
    rows = []
    for name, part in PARTS.items():
        sizes = np.sqrt((differences[:, part] ** 2).mean(axis=1))
        rows.append((name, f"{np.median(sizes):.4f}", f"{np.quantile(sizes, 0.9):.4f}"))
    print_table(
        f"Differences of {len(differences)} faces; {lost} more have landmarks in the photo alone",
        ("part of the feature vector", "root mean square, median face", "90 % of faces below"),
        rows,
    )
    bundles = [found for found in resolvable().values() if isinstance(found, Bundle)]
    print_table(
        "Answers to the same pixels with either landmarks",
        ("bundle", "same expression", "probability that moves, mean", "90 % of faces below"),
        [
            (bundle.spec.name, *_answers(Classifier(bundle), pairs))
            for bundle in bundles
            if bundle.spec.landmark_features is not None
        ],
    )


def _answers(
    classifier: Classifier, pairs: list[tuple[FaceInputs, FaceInputs]]
) -> tuple[str, str, str]:
    """Return how many answers agree, and the total variation distance of the probabilities."""
    answers = [
        np.array([prediction.probabilities for prediction in classifier.predict(list(inputs))])
        for inputs in zip(*pairs, strict=True)
    ]
    same = answers[0].argmax(axis=1) == answers[1].argmax(axis=1)
    moved = np.abs(answers[0] - answers[1]).sum(axis=1) / 2
    return (
        f"{same.sum()} of {len(same)}",
        f"{moved.mean():.3f}",
        f"{np.quantile(moved, 0.9):.3f}",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
