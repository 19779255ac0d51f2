"""Class activation maps as heat maps (Zhou et al. 2016, arXiv:1512.04150), to compare others with."""

from typing import Final

import cv2
import numpy as np

from fer_core.faces.crops import INPUT_SIZE

#: Less is rounding, not evidence; in logits.
_LEAST_EVIDENCE: Final = 1e-4


def activation_heatmap(maps: np.ndarray, label: int, *, view_pixels: int) -> np.ndarray:
    """Return a heat map of the evidence for a class in a face's crop.

    Args:
        maps: float32 (h, w, classes), the class activation maps of one face.
        label: number of the class.
        view_pixels: side of the central square of the 48 pixels that the network looks at.

    Returns:
        float32 (48, 48) in [0, 1]: the class's activation map above the average of all classes' maps,
        scaled to its own maximum; 0 outside the network's view and where the evidence is against it.
    """
    # Adding the same to all classes' maps changes no prediction, so only the difference is evidence.
    evidence = maps[..., label] - maps.mean(axis=-1)
    evidence = np.maximum(evidence, 0).astype(np.float32)
    heatmap = np.zeros((INPUT_SIZE, INPUT_SIZE), np.float32)
    start = (INPUT_SIZE - view_pixels) // 2
    # Pooling leaves out what does not fill a cell, at the right and at the bottom.
    side = len(evidence) * (view_pixels // len(evidence))
    covered = cv2.resize(evidence, (side, side), interpolation=cv2.INTER_LINEAR)
    heatmap[start : start + side, start : start + side] = covered
    return heatmap / heatmap.max() if heatmap.max() > _LEAST_EVIDENCE else np.zeros_like(heatmap)
