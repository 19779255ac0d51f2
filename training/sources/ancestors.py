"""The record of the bundles that a run depends on, for initial weights or as a teacher.

`training.tasks.parents` finds them.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict

from fer_core.networks.bundles import KERAS_FILE, Bundle
from training.sources import parts_of


class Ancestor(BaseModel):
    """A bundle or an ensemble of teachers, as it was when a run started to use it.

    Attributes:
        name: of the bundle; of an ensemble as a recipe has it.
        sha256: of its Keras file, or what identifies the ensemble.
        sources: names of the data sets that it and the bundles before it learnt from.
        divisions: of these, `TrainingData.divisions`.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    sources: tuple[str, ...]
    divisions: tuple[str, ...] = ()

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Return the record of a bundle as it is now."""
        data = bundle.spec.training_data
        return cls(
            name=bundle.spec.name,
            sha256=bundle.spec.sha256[KERAS_FILE],
            sources=tuple(dict.fromkeys((*parts_of(data.source), *data.inherited))),
            divisions=data.divisions,
        )

    def __str__(self) -> str:
        return f"{self.name}, sha256 {self.sha256[:12]}"


class Ancestors(BaseModel):
    """All bundles and ensembles that a run depends on.

    Attributes:
        start: whose weights it begins with, or its trunk does.
        trunk: whose weights its trunk has, where it begins with those of `start`.
        teacher: whose answers take part in its targets.
    """

    model_config = ConfigDict(frozen=True)

    start: Ancestor | None = None
    trunk: Ancestor | None = None
    teacher: Ancestor | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the data sets that any of them was trained on."""
        return tuple(dict.fromkeys(name for one in self.all for name in one.sources))

    @property
    def all(self) -> tuple[Ancestor, ...]:
        """All that exist."""
        return tuple(a for a in (self.start, self.trunk, self.teacher) if a is not None)
