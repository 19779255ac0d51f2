"""MediaPipe's 52 blendshapes, the strengths of facial movements, and their names in plain words."""

from typing import Final

import numpy as np

#: In MediaPipe's order, by ARKit's names; left and right are the person's.
_NAMES: Final = """
    _neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff
    cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight
    eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight
    eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight
    mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel
    mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker
    mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft
    mouthSmileRight mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight
    noseSneerLeft noseSneerRight
"""
BLENDSHAPES: Final = tuple(_NAMES.split())

LEFT: Final = "Left"
RIGHT: Final = "Right"
_SIDES: Final = (LEFT, RIGHT)
#: Plain words for each movement, without the side that it is made on.
_WORDS: Final = {
    "_neutral": "neutral",
    "browDown": "brow lowered",
    "browInnerUp": "inner brows raised",
    "browOuterUp": "outer brow raised",
    "cheekPuff": "cheeks puffed",
    "cheekSquint": "cheek raised",
    "eyeBlink": "eye closed",
    "eyeLookDown": "eye looks down",
    "eyeLookIn": "eye looks inward",
    "eyeLookOut": "eye looks outward",
    "eyeLookUp": "eye looks up",
    "eyeSquint": "eye narrowed",
    "eyeWide": "eye wide open",
    "jawForward": "jaw forward",
    "jaw": "jaw to the side",
    "jawOpen": "jaw open",
    "mouthClose": "lips closed over the jaw",
    "mouthDimple": "mouth corner pulled back",
    "mouthFrown": "mouth corner down",
    "mouthFunnel": "lips rounded open",
    "mouth": "mouth to the side",
    "mouthLowerDown": "lower lip down",
    "mouthPress": "lips pressed",
    "mouthPucker": "lips puckered",
    "mouthRollLower": "lower lip rolled in",
    "mouthRollUpper": "upper lip rolled in",
    "mouthShrugLower": "lower lip pushed up",
    "mouthShrugUpper": "upper lip pushed up",
    "mouthSmile": "mouth corner up",
    "mouthStretch": "mouth corner stretched",
    "mouthUpperUp": "upper lip raised",
    "noseSneer": "nose wrinkled",
}


def movement_and_side(name: str) -> tuple[str, str | None]:
    """Split a blendshape's name: `mouthSmileLeft` into `mouthSmile` and `Left`, `jawOpen` alone."""
    for side in _SIDES:
        if name.endswith(side):
            return name.removesuffix(side), side
    return name, None


def mirrored(name: str) -> str:
    """Return the blendshape that replaces this one in a mirrored face."""
    movement, side = movement_and_side(name)
    if side is None:
        return name
    return movement + _SIDES[1 - _SIDES.index(side)]


def in_words(name: str) -> str:
    """Return plain words: "mouth corner up (left)", where left is the person's."""
    movement, side = movement_and_side(name)
    return _WORDS[movement] + (f" ({side.lower()})" if side else "")


def strongest_blendshapes(blendshapes: np.ndarray, *, n: int) -> list[tuple[str, float]]:
    """Return the strongest of a face's blendshapes, float (52,) in [0, 1], in words with strengths."""
    order = [i for i in np.argsort(-blendshapes, kind="stable") if BLENDSHAPES[i] != "_neutral"]
    return [(in_words(BLENDSHAPES[i]), float(blendshapes[i])) for i in order[:n]]
