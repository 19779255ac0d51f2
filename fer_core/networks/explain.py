"""Explanations of predictions: class activation maps, and the influence of landmarks."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np

from fer_core.expressions import Expression
from fer_core.faces.crops import INPUT_SIZE, FaceInputs, face_inputs, frame_square
from fer_core.faces.finder import Face
from fer_core.faces.landmarks import feature_vector
from fer_core.faces.mediapipe_models import FaceMesh
from fer_core.faces.shape import FaceShape, Movement, Region
from fer_core.faces.warp import Portrait
from fer_core.networks.classifier import Classifier, Prediction

#: Minimum in logits for a map to be shown as evidence.
_LEAST_EVIDENCE: Final = 1e-4


def activation_heatmap(
    prediction: Prediction, label: Expression, *, view_pixels: int
) -> np.ndarray:
    """Return a heatmap of the evidence for a class in a face's crop (Zhou et al. 2016, arXiv:1512.04150).

    Args:
        prediction: of a network that sees pixels.
        label: one of its classes.
        view_pixels: side of the central square of the 48 pixels that the network looks at.

    Returns:
        float32 (48, 48) in [0, 1]: the class's activation map above the average of all classes' maps,
        scaled to its own maximum; 0 outside the network's view and where the evidence is against it.

    Raises:
        ValueError: the network sees no pixels.
    """
    if prediction.activation_maps is None:
        raise ValueError("this network sees no pixels and has no activation maps")
    maps = prediction.activation_maps
    # Adding the same to all classes' maps changes no prediction, so only the difference is evidence.
    evidence = maps[..., prediction.labels.index(label)] - maps.mean(axis=-1)
    evidence = np.maximum(evidence, 0).astype(np.float32)
    heatmap = np.zeros((INPUT_SIZE, INPUT_SIZE), np.float32)
    start = (INPUT_SIZE - view_pixels) // 2
    # Pooling leaves out what does not fill a cell, at the right and at the bottom.
    side = len(evidence) * (view_pixels // len(evidence))
    covered = cv2.resize(evidence, (side, side), interpolation=cv2.INTER_LINEAR)
    heatmap[start : start + side, start : start + side] = covered
    # Less is rounding, not evidence.
    return heatmap / heatmap.max() if heatmap.max() > _LEAST_EVIDENCE else np.zeros_like(heatmap)


def inputs_with_mesh(inputs: FaceInputs, face: Face, mesh: FaceMesh) -> FaceInputs:
    """Return a face's inputs with the landmarks of another mesh and unchanged pixels."""
    moved = Face(face.box_xyxy, face.confidence, mesh)
    return FaceInputs(inputs.image, feature_vector(moved, frame_square(face.box_xyxy)))


def region_influence(
    classifier: Classifier, inputs: FaceInputs, face: Face, shape: FaceShape
) -> dict[Region, float]:
    """Return the influence of each region's landmarks on a network's prediction for a face.

    That is its probability with the landmarks as they are minus the one with the region's replaced by
    the average face's: occlusion (Zeiler and Fergus 2014, arXiv:1311.2901), of landmarks.

    Raises:
        ValueError: the face has no landmarks.
    """
    mesh = face.mesh
    if mesh is None:
        raise ValueError("the face has no landmarks whose influence could be measured")
    variants = [
        inputs_with_mesh(inputs, face, shape.with_average_region(mesh, region)) for region in Region
    ]
    answer, *replaced = classifier.predict([inputs, *variants])
    top = int(answer.probabilities.argmax())
    return {
        region: float(answer.probabilities[top] - other.probabilities[top])
        for region, other in zip(Region, replaced, strict=True)
    }


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
    inputs = [face_inputs(moved.rgb, moved.face)]
    return moved, {name: c.predict(inputs)[0] for name, c in classifiers.items()}
