"""Action units, estimated from blendshapes: the facial movements that FACS names.

FACS is the Facial Action Coding System (Ekman, Friesen and Hager 2002). MediaPipe's blendshapes have ARKit's
names and meanings, and most of these name the movement of one action unit. The table is theirs; `python -m
training action-units` checks it on CK+. Left out are the units that failed there,
`training.measure.action_units.FAILED`, and those without a blendshape of their own, such as 23.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from fer_core.faces.blendshapes import BLENDSHAPES, LEFT, RIGHT, movement_and_side


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One action unit.

    Attributes:
        code: as in FACS, with two digits: AU01.
        name: in plain words.
        movements: the blendshapes that it is estimated from, without their side; of several the strongest.
        is_checked: whether an expression of CK+ has it as a part of its prototype.
    """

    code: str
    name: str
    movements: tuple[str, ...]
    is_checked: bool = True

    @property
    def has_sides(self) -> bool:
        """Whether it has an intensity on the left and one on the right."""
        return all(f"{movement}{LEFT}" in BLENDSHAPES for movement in self.movements)

    def intensity(self, blendshapes: np.ndarray, side: str | None = None) -> np.ndarray:
        """Return intensities, float32 (...) in [0, 1], of blendshapes (..., 52).

        Args:
            blendshapes: in MediaPipe's order.
            side: `LEFT` or `RIGHT` of the person; by default the mean of both.
        """
        strengths = [
            blendshapes[..., _places(movement, side)].mean(axis=-1) for movement in self.movements
        ]
        result: np.ndarray = np.max(strengths, axis=0)
        return result


@cache
def _places(movement: str, side: str | None) -> list[int]:
    """Return the indices of a movement's blendshapes; of one without sides the same for each side."""
    return [
        i
        for i, name in enumerate(BLENDSHAPES)
        if (split := movement_and_side(name))[0] == movement and side in (None, split[1] or side)
    ]


#: Those that passed on CK+, and those that no expression of CK+ tests.
ACTION_UNITS: Final = (
    ActionUnit("AU01", "inner brow raiser", ("browInnerUp",)),
    ActionUnit("AU02", "outer brow raiser", ("browOuterUp",)),
    ActionUnit("AU04", "brow lowerer", ("browDown",)),
    ActionUnit("AU05", "upper lid raiser", ("eyeWide",)),
    ActionUnit("AU07", "lid tightener", ("eyeSquint",)),
    ActionUnit("AU10", "upper lip raiser", ("mouthUpperUp",)),
    ActionUnit("AU12", "lip corner puller", ("mouthSmile",)),
    ActionUnit("AU17", "chin raiser", ("mouthShrugLower",)),
    ActionUnit("AU18", "lip pucker", ("mouthPucker",), is_checked=False),
    ActionUnit("AU20", "lip stretcher", ("mouthStretch",)),
    ActionUnit("AU22", "lip funneler", ("mouthFunnel",), is_checked=False),
    ActionUnit("AU25", "lips part", ("mouthLowerDown", "jawOpen")),
    ActionUnit("AU26", "jaw drop", ("jawOpen",)),
    ActionUnit("AU28", "lip suck", ("mouthRollLower", "mouthRollUpper"), is_checked=False),
    ActionUnit("AU43", "eyes closed", ("eyeBlink",), is_checked=False),
)


def action_units(blendshapes: np.ndarray) -> dict[str, float]:
    """Return a face's estimated action units in [0, 1] by their column: AU12, AU12_left, AU12_right.

    Left and right are the person's; a unit without sides has one column.

    Args:
        blendshapes: float (52,), in MediaPipe's order.
    """
    found = {}
    for unit in ACTION_UNITS:
        found[unit.code] = float(unit.intensity(blendshapes))
        if unit.has_sides:
            for side in (LEFT, RIGHT):
                found[f"{unit.code}_{side.lower()}"] = float(unit.intensity(blendshapes, side))
    return found
