"""Several bundles that teach together."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from fer_core.data_names import PLUS
from training.sources import Samples
from training.sources.ancestors import Ancestor
from training.teachers.teacher import BundleTeacher, Teacher


@dataclass(frozen=True, slots=True)
class JointTeacher(Teacher):
    """Bundles whose mean prediction teaches.

    Attributes:
        name: as the recipe has it: their names with "+" between them.
        teachers: one for each.
    """

    name: str
    teachers: tuple[BundleTeacher, ...]

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the teachers of these names; raise BundleError if a bundle is not there or damaged."""
        return cls(name, tuple(map(BundleTeacher.named, name.split(PLUS))))

    @property
    def ancestor(self) -> Ancestor:
        """The record of them in a run."""
        members = [teacher.ancestor for teacher in self.teachers]
        return Ancestor(
            name=self.name,
            sha256=hashlib.sha256("".join(one.sha256 for one in members).encode()).hexdigest(),
            sources=tuple(dict.fromkeys(name for one in members for name in one.sources)),
            divisions=tuple(dict.fromkeys(name for one in members for name in one.divisions)),
        )

    def soft_targets(self, samples: Samples, *, temperature: float = 1.0) -> np.ndarray:
        """Return the mean of their calibrated probabilities, float32 (N, classes).

        Raises what `BundleTeacher.soft_targets` raises.
        """
        soft = [teacher.soft_targets(samples, temperature=temperature) for teacher in self.teachers]
        result: np.ndarray = np.mean(soft, axis=0)
        return result

    def files(self, rows: Callable[[], Samples]) -> dict[Path, str]:
        """Return the files of all of them."""
        return {file: place for one in self.teachers for file, place in one.files(rows).items()}
