"""The bundles that a run takes something from: the weights that it begins with, its teacher's answers."""

from pydantic import BaseModel, ConfigDict

from fer_core.networks.bundles import KERAS_FILE, resolve
from training.architectures.dual_input import DualInput
from training.campaign.ensemble import campaign_of, ensemble_sha256, read_ensemble
from training.schema.recipe import BaseRecipe, Recipe
from training.sources import parts_of


class Ancestor(BaseModel):
    """A bundle, or an ensemble of teachers, as it was when a run began to take something from it.

    Attributes:
        name: of the bundle; of an ensemble as a recipe has it.
        sha256: of its Keras file, or of the ensemble's file.
        sources: names of the data sets that it and the bundles before it learnt from.
        divisions: of these, `TrainingData.divisions`.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    sources: tuple[str, ...]
    divisions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}, sha256 {self.sha256[:12]}"


class Ancestors(BaseModel):
    """All that a run takes something from.

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
        """Names of the data sets that any of them learnt from."""
        return tuple(dict.fromkeys(name for one in self.all for name in one.sources))

    @property
    def all(self) -> tuple[Ancestor, ...]:
        """Each of them that there is."""
        return tuple(a for a in (self.start, self.trunk, self.teacher) if a is not None)


def ancestors_of(recipe: BaseRecipe) -> Ancestors:
    """Return what a run that begins now takes something from.

    Raises:
        BundleError: a bundle is not there or damaged.
        DataError: so is the ensemble that teaches it.
    """
    if not isinstance(recipe, Recipe):
        return Ancestors()
    start, trunk = recipe.starts_from, None
    if isinstance(recipe.architecture, DualInput):
        trunk = recipe.architecture.trunk_bundle
        if start is None:
            start, trunk = trunk, None
    return Ancestors(
        start=None if start is None else _ancestor(start),
        trunk=None if trunk is None else _ancestor(trunk),
        teacher=None if recipe.teacher is None else _teacher(recipe.teacher),
    )


def _teacher(name: str) -> Ancestor:
    if (campaign := campaign_of(name)) is None:
        return _ancestor(name)
    ensemble = read_ensemble(campaign)
    return Ancestor(
        name=name,
        sha256=ensemble_sha256(campaign),
        sources=ensemble.sources,
        divisions=ensemble.divisions,
    )


def _ancestor(name: str) -> Ancestor:
    spec = resolve(name).spec
    data = spec.training_data
    return Ancestor(
        name=spec.name,
        sha256=spec.sha256[KERAS_FILE],
        sources=tuple(dict.fromkeys((*parts_of(data.source), *data.inherited))),
        divisions=data.divisions,
    )
