"""The plan of a campaign: teachers, and the students that learn from their ensemble."""

import importlib
import pkgutil

from pydantic import Field, model_validator

from fer_core.errors import UnknownNameError
from training import sources
from training.campaign.profile import Profile
from training.schema.recipe import Recipe, SelectionSplit, get_recipe
from training.schema.recorded import Settings, settings_sha256
from training.sources import Samples, Split


class PlannedRun(Settings):
    """One run of a campaign: a recipe with settings and a seed.

    Attributes:
        name: unique in the campaign.
        recipe: name of its recipe.
        overrides: further settings, "key=value" as for `fit --set`.
        seed: of the run.
        batch_size: instead of the recipe's, with learning rate and averaging in proportion.
        profile: the machine that it is sized for.
        small: whether a CPU without AMX trains it in a few hours.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    recipe: str
    overrides: tuple[str, ...] = ()
    seed: int = 0
    batch_size: int | None = None
    profile: Profile = Profile.CPU
    small: bool = False

    @property
    def settings(self) -> Recipe:
        """The recipe of the run.

        Raises:
            UnknownNameError: there is no such recipe or setting, or its network names no expressions.
        """
        recipe = get_recipe(self.recipe)
        if not isinstance(recipe, Recipe):
            raise UnknownNameError(f"{recipe.name} names no expressions: no campaign can train it.")
        recipe = recipe.with_overrides([*self.overrides, f"seed={self.seed}"])
        return recipe if self.batch_size is None else recipe.with_batch_size(self.batch_size)

    @property
    def settings_sha256(self) -> str:
        """Digest of the settings that affect learning, without the precision."""
        return settings_sha256(self.settings.model_dump(mode="json", exclude={"dtype_policy"}))


class Campaign(Settings):
    """Teachers, how their ensemble is chosen, and the students that learn from it.

    Attributes:
        name: of the campaign and its module in `training.recipes.campaigns`.
        title: one sentence.
        data: the source that all its teachers learn from, as in `Data.source`.
        whole: whether all faces of a second data set are learnt (`Data.added`).
        references: validation splits that the ensemble is chosen on; their clean rows count.
        teachers: in the order in which they are trained.
        students: in the order in which they are trained; each is called as the bundle that it may replace.
    """

    name: str
    title: str
    data: str
    whole: bool = False
    references: tuple[SelectionSplit, ...]
    teachers: tuple[PlannedRun, ...]
    students: tuple[PlannedRun, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Campaign":
        teachers = [run.name for run in self.teachers]
        # A student has the same name on every machine: that of the bundle that it may replace.
        of_profiles = [
            [*teachers, *(run.name for run in self.students if run.profile is profile)]
            for profile in Profile
        ]
        if any(len(set(names)) < len(names) for names in of_profiles):
            raise ValueError("two runs have the same name")
        return self

    def of_profile(self, profile: Profile) -> tuple[tuple[PlannedRun, ...], tuple[PlannedRun, ...]]:
        """Return the teachers and the students that are sized for a kind of machine."""
        return (
            tuple(run for run in self.teachers if run.profile == profile),
            tuple(run for run in self.students if run.profile == profile),
        )

    def teacher(self, name: str) -> PlannedRun:
        """Return the teacher called `name`; raise UnknownNameError with the known ones."""
        for run in self.teachers:
            if run.name == name:
                return run
        raise UnknownNameError(
            f"{self.name} has no teacher called {name!r}. There are: "
            f"{', '.join(run.name for run in self.teachers)}."
        )


def campaign_names() -> list[str]:
    """Return the names of all campaigns, each a module of `training.recipes.campaigns`."""
    import training.recipes.campaigns

    modules = pkgutil.iter_modules(training.recipes.campaigns.__path__)
    return sorted(module.name for module in modules)


def get_campaign(name: str) -> Campaign:
    """Return the campaign called `name`; raise UnknownNameError with the known ones."""
    if name not in campaign_names():
        raise UnknownNameError(
            f"No campaign is called {name!r}. There are: {', '.join(campaign_names())}."
        )
    campaign: Campaign = importlib.import_module(f"training.recipes.campaigns.{name}").CAMPAIGN
    return campaign


def splits_to_predict(campaign: Campaign) -> dict[str, Samples]:
    """Return the splits that teachers predict, by "SOURCE:SPLIT": training rows first, then references.

    Raises:
        DataError: the data is not there.
    """
    train = sources.load(campaign.data, Split.TRAIN, whole=campaign.whole)
    references = {
        reference.data: sources.load(reference.source, Split.VALID).within(train.label_space)
        for reference in campaign.references
    }
    return {f"{campaign.data}:{Split.TRAIN}": train, **references}
