"""Explanations of predictions: where pixels count, and which regions of the face."""

import itertools
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np

from fer_core.faces.crops import INPUT_SIZE, FaceInputs, face_inputs
from fer_core.faces.inpaint import with_average_region
from fer_core.faces.shape import FaceShape, Movement, Region
from fer_core.faces.warp import Portrait
from fer_core.networks.classifier import Classifier, Prediction

#: Side of a blurred square and the distance to the next, in the network's 48 pixels: 36 squares cover them.
#: Smaller ones take longer.
_SQUARE: Final = 13
_STEP: Final = 7
#: Standard deviation of the blur in these pixels.
_BLUR_SIGMA: Final = 5.0


def occlusion_map(classifier: Classifier, inputs: FaceInputs) -> np.ndarray:
    """Return what the log-odds of a network's answer lose where the face is blurred.

    Squares are blurred one at a time (Zeiler and Fergus 2014, arXiv:1311.2901); between their centres the
    loss is interpolated. The landmarks stay. `python -m training faithfulness` compares this map with others.

    Args:
        classifier: that sees pixels.
        inputs: of one face.

    Returns:
        float32 (48, 48), natural logarithms; below 0 where the answer is more likely without the pixels.
        Probabilities would hardly change where the network is sure.
    """
    blurred = without_details(inputs.image)
    starts = range(0, INPUT_SIZE - _SQUARE + 1, _STEP)
    images = np.repeat(inputs.image[None], len(starts) ** 2 + 1, axis=0)
    for image, (top, left) in zip(images[1:], itertools.product(starts, starts), strict=True):
        square = np.s_[top : top + _SQUARE, left : left + _SQUARE]
        image[square] = blurred[square]
    odds = _log_odds(classifier, images, inputs.landmarks)
    lost = (odds[0] - odds[1:]).reshape(len(starts), len(starts)).astype(np.float32)
    # Of each pixel, in squares from the centre of the first.
    place = (np.arange(INPUT_SIZE, dtype=np.float32) - (_SQUARE - 1) / 2) / _STEP
    x, y = np.meshgrid(place, place)
    heat: np.ndarray = cv2.remap(lost, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return heat


def without_details(image: np.ndarray) -> np.ndarray:
    """Return a face, uint8 (48, 48), so blurred that its expression cannot be seen."""
    blurred: np.ndarray = cv2.GaussianBlur(image, (0, 0), _BLUR_SIGMA)
    return blurred


def _log_odds(classifier: Classifier, images: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the log-odds of the answer for the first of N images with the same landmarks, float32 (N,)."""
    logits, _ = classifier.logits(images, np.repeat(landmarks[None], len(images), axis=0))
    logits = logits / classifier.bundle.spec.temperature
    top = int(logits[0].argmax())
    others = np.delete(logits, top, axis=1)
    highest = others.max(axis=1)
    # From logits, since a float32 probability of a sure answer is 1.
    result: np.ndarray = (
        logits[:, top] - highest - np.log(np.exp(others - highest[:, None]).sum(axis=1))
    )
    return result


def region_influence(
    classifiers: Mapping[str, Classifier], inputs: FaceInputs, shape: FaceShape
) -> dict[str, dict[Region, float]]:
    """Return what each region of a face adds to the probability of each network's answer.

    That is its probability for the face as it is minus the one for the face with the region, pixels and
    landmarks, as in the average face: occlusion (Zeiler and Fergus 2014, arXiv:1311.2901) by a face instead
    of grey. Below 0 the region speaks against the answer.

    Args:
        classifiers: by name.
        inputs: of one face.
        shape: the average face.

    Raises:
        ValueError: the face has no landmarks.
    """
    variants = [inputs, *(with_average_region(inputs, region, shape) for region in Region)]
    influence = {}
    for name, classifier in classifiers.items():
        answer, *replaced = classifier.predict(variants)
        top = int(answer.probabilities.argmax())
        influence[name] = {
            region: float(answer.probabilities[top] - other.probabilities[top])
            for region, other in zip(Region, replaced, strict=True)
        }
    return influence


def what_if(
    classifiers: Mapping[str, Classifier],
    face: Portrait,
    shape: FaceShape,
    amounts: Mapping[Movement, float],
) -> tuple[Portrait, dict[str, Prediction]]:
    """Return a face with movements added to its landmarks and pixels, and networks' predictions for it.

    The pixels move too because a network that sees pixels ignores the landmarks, and one that sees both
    trusts the pixels more; `python -m tests.benchmarks.what_if` measures how much.

    Args:
        classifiers: by name.
        face: as it is.
        shape: what a movement does to landmarks.
        amounts: as for `FaceShape.with_movements`.
    """
    moved = face.warped(shape.with_movements(face.mesh, amounts))
    inputs = [face_inputs(moved.rgb, moved.face, moved.square_xyxy)]
    return moved, {name: c.predict(inputs)[0] for name, c in classifiers.items()}
