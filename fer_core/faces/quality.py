"""Reasons for caution: properties of a face that make predictions less reliable."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import numpy as np

from fer_core.faces.crops import FaceInputs
from fer_core.faces.face import Face
from fer_core.faces.surface import commonest_tone, lip_edges

#: The networks' input is 48 pixels wide; a smaller face is enlarged and shows no more than it has.
SMALL_BELOW_SIDE: Final = 48
MAX_YAW_DEGREES: Final = 45.0
#: Mean grey value of the crop. FER2013's Training crops lie below the first in 0.5 %
#: and above the second in 0.5 %.
DARK_BELOW: Final = 48.0
BRIGHT_ABOVE: Final = 206.0
#: Variance of the Laplacian of the crop at 48 pixels after its contrast is brought to a standard
#: deviation of 50 (Pech-Pacheco et al. 2000). 0.5 % of FER2013's Training crops lie below it; of the
#: same crops blurred by a Gaussian of 1.5 pixels at least 99.5 % do.
BLURRED_BELOW: Final = 458.0
#: Share of the crop's square that may lie beyond the photo.
MAX_OUTSIDE: Final = 0.15
#: `surface.lip_edges` under which no lips can be seen. Of ExpW's validation faces 0.8 % lie below it, veils,
#: scarves and profiles among them; of 817 web photos none does. What it sees and what it misses:
#: tests/benchmarks/README.md.
LIPLESS_BELOW: Final = 0.20
#: `surface.commonest_tone` above which a face looks drawn. Of ExpW's validation faces 0.4 % are so called, of
#: 817 web photos none is.
DRAWN_ABOVE: Final = 0.20


class Quality(StrEnum):
    """A reason for caution."""

    SMALL = "small"
    BLURRED = "blurred"
    DARK = "dark"
    BRIGHT = "bright"
    TURNED = "turned"
    CUT = "cut"
    UPRIGHT = "upright"
    COVERED = "covered"
    DRAWN = "drawn"


#: Reasons for caution in a word or three, for tables and badges.
QUALITY_WORDS: Final = {
    Quality.SMALL: "small face",
    Quality.BLURRED: "blurred",
    Quality.DARK: "dark",
    Quality.BRIGHT: "overexposed",
    Quality.TURNED: "turned to the side",
    Quality.CUT: "cut by the edge",
    Quality.UPRIGHT: "maybe not upright",
    Quality.COVERED: "mouth covered",
    Quality.DRAWN: "looks drawn",
}


@dataclass(frozen=True, slots=True)
class QualityNote:
    """One reason for caution about a face.

    Attributes:
        code: for programs.
        sentence: for the user.
    """

    code: Quality
    sentence: str


def assess(
    image_rgb: np.ndarray, face: Face, inputs: FaceInputs, square_xyxy: np.ndarray
) -> tuple[QualityNote, ...]:
    """Return the reasons for caution about one face; usually none.

    Args:
        image_rgb: uint8 (H, W, 3), the photo.
        face: in its coordinates.
        inputs: what was cut out of it.
        square_xyxy: float (4,), where; it may reach beyond the photo.
    """
    notes = []
    if not face.is_upright:
        notes.append(QualityNote(Quality.UPRIGHT, "It is not certain which way up this face is."))
    side = float((face.box_xyxy[2:] - face.box_xyxy[:2]).max())
    if side < SMALL_BELOW_SIDE:
        notes.append(
            QualityNote(
                Quality.SMALL,
                f"The face has only {math.floor(side)} pixels along its longer side; {SMALL_BELOW_SIDE} or "
                "more show it better.",
            )
        )
    if sharpness(inputs.image) < BLURRED_BELOW:
        notes.append(QualityNote(Quality.BLURRED, "The face is blurred."))
    brightness = float(inputs.image.mean())
    if brightness < DARK_BELOW:
        notes.append(QualityNote(Quality.DARK, "The face is very dark."))
    elif brightness > BRIGHT_ABOVE:
        notes.append(QualityNote(Quality.BRIGHT, "The face is overexposed."))
    pose = face.head_pose
    if pose is not None and abs(pose.yaw) > MAX_YAW_DEGREES:
        notes.append(
            QualityNote(
                Quality.TURNED,
                f"The head is turned {abs(pose.yaw):.0f} degrees to the side; part of the face is hidden.",
            )
        )
    if outside_share(image_rgb, square_xyxy) > MAX_OUTSIDE:
        notes.append(QualityNote(Quality.CUT, "The face is cut by the edge of the photo."))
    if inputs.landmarks_found:
        # Too little light leaves few tones. What stands for a mouth in a drawing need not have lips' edges.
        if brightness >= DARK_BELOW and commonest_tone(inputs) > DRAWN_ABOVE:
            notes.append(
                QualityNote(Quality.DRAWN, "The face looks drawn: much of it has a single tone.")
            )
        elif lip_edges(inputs) < LIPLESS_BELOW:
            notes.append(
                QualityNote(Quality.COVERED, "No lips can be seen; the mouth may be covered.")
            )
    return tuple(notes)


def sharpness(crop: np.ndarray) -> float:
    """Return the variance of the Laplacian of a uint8 (48, 48) crop after contrast equalization."""
    grey = crop.astype(np.float32)
    spread = float(grey.std())
    if spread == 0:
        return 0.0
    return float(cv2.Laplacian(grey * (50.0 / spread), cv2.CV_32F).var())


def outside_share(image_rgb: np.ndarray, square_xyxy: np.ndarray) -> float:
    """Return the share in [0, 1] of a face's crop square that lies outside the photo."""
    left, top, right, bottom = (float(v) for v in square_xyxy)
    height, width = image_rgb.shape[:2]
    inside_x = max(0.0, min(right, width) - max(left, 0.0))
    inside_y = max(0.0, min(bottom, height) - max(top, 0.0))
    return float(1.0 - inside_x * inside_y / ((right - left) * (bottom - top)))
