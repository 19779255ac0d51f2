"""A recipe: one experiment as one value, with every setting that determines its weights."""

import importlib
import json
import logging
import pkgutil
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from fer_core.data_names import PLUS, source_of, split_of
from fer_core.errors import UnknownNameError
from fer_core.expressions import FER2013, LABEL_SPACES
from fer_core.faces.crops import INPUT_SIZE
from fer_core.listing import listed
from fer_core.networks.bundles import EXPRESSIONS, KEYPOINTS_TASK, REQUIRED_ACCURACY
from fer_core.networks.keypoints import POINT_NAMES
from training.architectures.base import Architecture
from training.architectures.registry import (
    EXPRESSION_ARCHITECTURES,
    AnyExpressionArchitecture,
    AnyKeypointArchitecture,
)
from training.schema.augment import Augment
from training.schema.balance import Balance
from training.schema.figure import Figure
from training.schema.keypoint_augment import KeypointAugment
from training.schema.optimizers import Optimizer
from training.schema.recorded import Settings
from training.sources import SOURCES, Split, keypoints

log = logging.getLogger(__name__)


class Data(Settings):
    """The training rows.

    Epoch, temperature and threshold are chosen on clean validation rows, see `Recipe.selection`.

    Attributes:
        source: name of a source in `training.sources`, `folder:PATH`, or FIRST+SECOND
            (`training.sources.joined`).
        label_space: name of the label space (`fer_core.expressions`) that is learnt; rows of other classes
            are left out. The source's own by default.
        rows: train on so many rows, drawn at random with the recipe's seed; on all by default.
        drop_not_face: leave out the training rows that the data set's annotators call no face.
        added: what is made of the second data set of FIRST+SECOND. `labelled`: all its faces are learnt by
            their own labels, for a network that is to know both. By default they are a supplement for one
            that is to know the first: as many of each class as the first has, learnt from the teacher alone,
            if there is one, and left out of the refinement.
    """

    later: ClassVar[frozenset[str]] = frozenset({"added"})

    source: str
    label_space: str | None = None
    rows: int | None = Field(default=None, gt=0)
    drop_not_face: bool = True
    added: Literal["labelled"] | None = None

    @model_validator(mode="after")
    def _there_is_a_second(self) -> Self:
        if self.added is not None and PLUS not in self.source:
            raise ValueError(f"added is about the second data set of FIRST{PLUS}SECOND")
        return self

    @property
    def whole(self) -> bool:
        """Whether all faces of a second data set are learnt by their own labels."""
        return self.added == "labelled"

    @field_validator("label_space")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in LABEL_SPACES:
            raise ValueError(f"must be one of {', '.join(LABEL_SPACES)}")
        return value


class SelectionSplit(Settings):
    """A validation split for choosing epochs, temperature and threshold, instead of the source's own.

    Its clean rows count, those of classes that the network knows.

    Attributes:
        data: "SOURCE:valid" of a known source.
        answered_accuracy: accuracy that confident predictions must reach; it sets the abstention threshold.
    """

    data: str
    answered_accuracy: float = Field(default=REQUIRED_ACCURACY, gt=0.0, le=1.0)

    @field_validator("data")
    @classmethod
    def _is_for_validation(cls, value: str) -> str:
        source = source_of(value)
        if (
            split_of(value) != Split.VALID
            or source not in SOURCES
            or Split.VALID not in SOURCES[source].splits
        ):
            raise ValueError("must be SOURCE:valid, of a known source that has a validation split")
        return value

    @property
    def source(self) -> str:
        """Name of its source."""
        return source_of(self.data)


class Refinement(Settings):
    """The last epochs of a run, with weaker augmentation, so that training ends on realistic images.

    After He et al. 2019, "Data Augmentation Revisited" (arXiv:1909.09148). Of a data set with faces of a
    second one beside its own, only its own are left then, as many an epoch, so each more often; unless the
    others are learnt by their own labels (`Data.added`).

    Attributes:
        epochs: how many of the recipe's epochs they are.
        augment: of these epochs; crops must have the size of those before.
    """

    epochs: int = Field(gt=0)
    augment: Augment


class ParentNames(NamedTuple):
    """Names of a run's parents in a recipe; `training.tasks.parents` finds them.

    Attributes:
        start: of the bundle whose weights the network begins with.
        trunk: of the bundle whose weights a part of it keeps.
        teacher: of a bundle, of several with "+" between them, or ensemble:CAMPAIGN.
    """

    start: str | None = None
    trunk: str | None = None
    teacher: str | None = None


class BaseRecipe(Settings):
    """Common settings of all kinds of experiments.

    Attributes:
        name: of the recipe, its module and its bundle.
        title: as in the spec, `fer_core.networks.bundles.BaseSpec`.
        data, optimizer: the parts.
        epochs: passes over the training rows, the last of which ends the last cosine.
        restarts: epochs at which the learning rate rises again, each time to half the peak before,
            and falls along a new cosine (SGDR, arXiv:1608.03983).
        batch_size: images a step.
        ema_momentum: of the moving average of the weights, a step; the averages are what is kept.
        dtype_policy: of Keras in training; the bundle is float32 in any case.
        patience: epochs without a better validation figure after which training stops.
        seed: of initial weights, shuffling and augmentation.
        validate_every: epochs from one validation to the next; the last epoch is validated in any case. 1 by
            default. On an accelerator an epoch of training is shorter than its validation.
    """

    later: ClassVar[frozenset[str]] = frozenset({"validate_every"})
    #: What its network does: the kind of recipes and bundles (`training.kinds`).
    kind: ClassVar[str]
    #: What epochs are compared by.
    figure: ClassVar[Figure]
    #: Number of outputs to build the network with before the data is read.
    n_outputs: ClassVar[int]

    name: str
    title: str
    data: Data
    optimizer: Optimizer
    epochs: int = Field(gt=0)
    restarts: tuple[int, ...] = ()
    batch_size: int = Field(default=128, gt=0)
    ema_momentum: float = Field(default=0.999, ge=0.0, lt=1.0)
    dtype_policy: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "mixed_bfloat16"
    patience: int = Field(default=20, gt=0)
    seed: int = Field(default=0, ge=0, lt=2**32)
    validate_every: int | None = Field(default=None, gt=0)

    if TYPE_CHECKING:
        # Every kind has its own, whose place among the recorded settings is after these.
        @property
        def architecture(self) -> Architecture:
            """The network."""

    @property
    def parents(self) -> ParentNames:
        """Names of the run's parents; none by default."""
        return ParentNames()

    @property
    def validated_epochs(self) -> tuple[int, ...]:
        """The epochs that are validated, counted from 1."""
        every = self.validate_every or 1
        return (*range(every, self.epochs, every), self.epochs)

    @field_validator("restarts")
    @classmethod
    def _in_order(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(b <= a for a, b in pairwise((0, *value))):
            raise ValueError("must be epochs after the start, in order")
        return value

    def with_overrides(self, assignments: list[str]) -> Self:
        """Return the recipe with `key=value` settings replaced; dotted keys reach inside parts.

        Raises:
            UnknownNameError: not of that form, a setting that does not exist or is not to be set, or a value
                it refuses.
        """
        values: dict[str, Any] = self.model_dump()
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            if key.strip() == "name":
                # By it the record of runs finds the recipe that a run's settings differ from.
                raise UnknownNameError(
                    f"--set {assignment}: a recipe keeps its name. A bundle is called as its folder is: name "
                    "that with --out."
                )
            *parts, last = key.strip().split(".")
            target: Any = values
            for part in parts:
                target = target.get(part) if isinstance(target, dict) else None
            if not equals or not isinstance(target, dict) or last not in target:
                raise UnknownNameError(
                    f"--set {assignment}: no such setting. Write key=value, for instance "
                    "optimizer.peak_learning_rate=0.05 or augment.flip=false."
                )
            target[last] = _parse_value(text)
        try:
            recipe = type(self).model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            # Checks of several settings together tell no place, and pydantic puts words before our own.
            place = ".".join(map(str, first["loc"]))
            text = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
            raise UnknownNameError(": ".join(filter(None, ("--set", place, text))) + ".") from error
        recipe.warn_of_unreached(
            [assignment.partition("=")[0].strip() for assignment in assignments]
        )
        return recipe

    def warn_of_unreached(self, keys: list[str]) -> None:
        """Log which of the settings that were set do not hold for the whole run; none by default."""

    def with_batch_size(self, batch_size: int) -> Self:
        """Return the recipe for another batch size, with step-dependent settings adapted.

        The peak learning rate grows in proportion (Goyal et al. 2017, arXiv:1706.02677), and the averages
        reach back over as many images as before (Busbridge et al. 2023, arXiv:2307.13813).

        Raises:
            UnknownNameError: the size is below 1.
        """
        # First, so that an impossible size is refused by its own name.
        resized = self.with_overrides([f"batch_size={batch_size}"])
        ratio = batch_size / self.batch_size
        return resized.with_overrides(
            [
                f"optimizer.peak_learning_rate={self.optimizer.peak_learning_rate * ratio}",
                f"ema_momentum={self.ema_momentum**ratio}",
            ]
        )


class Recipe(BaseRecipe):
    """An experiment whose network predicts expressions.

    Attributes:
        architecture, augment: further parts.
        targets: what is learnt: the label of each face, or how the FER+ annotators' votes for it are
            distributed over the classes (Barsoum et al. 2016, arXiv:1608.01041).
        balance: what is done about classes of unequal size.
        label_smoothing: share of each target spread over all classes (arXiv:1512.00567).
        vote_smoothing: share of each target that follows the FER+ votes (`training.tasks.targets`).
        teacher: name of a bundle whose predictions take part in the targets, several names with "+" between
            them for the mean of their predictions, or ensemble:CAMPAIGN for those of a campaign's teachers
            (`training.campaign`); none by default.
        teacher_share: of each target that follows the teacher. What a second data set gives is learnt from
            the teacher alone (Xie et al. 2020, "Noisy Student", arXiv:1911.04252), or, if `Data.added` says
            so, from its own labels alone.
        teacher_temperature: the teacher's calibrated logits are divided by it once more, which makes its
            predictions softer; 1 by default.
        added_teacher_share: of the targets of a second data set's faces, where they are learnt by their own
            labels (`Data.added`); none by default.
        refinement: what is different in the last epochs; nothing by default.
        selection: epochs are compared by the mean of the accuracies on these references. The first sets the
            temperature, and the threshold is high enough for all. By default all three are chosen on the
            clean rows of the source's own validation split.
        prior_correction: multiple of the log class frequencies that is subtracted from the logits after
            training (`training.schema.prior_correction`); none by default.
        starts_from: name of a bundle with the same architecture whose weights the network begins with, those
            of its outputs for the classes that are learnt here too; random ones by default. A network with
            two inputs takes its trunk from `trunk_bundle` in any case.
    """

    kind: ClassVar[str] = EXPRESSIONS
    figure: ClassVar[Figure] = Figure("accuracy", greater_is_better=True)
    n_outputs: ClassVar[int] = len(FER2013)
    later: ClassVar[frozenset[str]] = frozenset(
        {
            *BaseRecipe.later,
            *("added_teacher_share", "prior_correction", "selection", "starts_from"),
            "teacher_temperature",
        }
    )

    architecture: AnyExpressionArchitecture
    augment: Augment
    targets: Literal["labels", "votes"] = "labels"
    balance: Balance = Balance()
    label_smoothing: float = Field(default=0.1, ge=0.0, lt=1.0)
    vote_smoothing: float = Field(default=0.0, ge=0.0, le=0.5)
    teacher: str | None = None
    teacher_share: float = Field(default=0.0, ge=0.0, le=1.0)
    teacher_temperature: float | None = Field(default=None, gt=0.0)
    added_teacher_share: float | None = Field(default=None, gt=0.0, le=1.0)
    refinement: Refinement | None = None
    selection: tuple[SelectionSplit, ...] | None = Field(default=None, min_length=1)
    prior_correction: float | None = Field(default=None, gt=0.0, le=1.0)
    starts_from: str | None = None

    @model_validator(mode="after")
    def _can_be_corrected(self) -> "Recipe":
        if self.prior_correction is not None and not self.architecture.corrects_priors:
            able = [k for k, f in EXPRESSION_ARCHITECTURES.items() if f().corrects_priors]
            raise ValueError(
                f"prior_correction is not known for {self.architecture.kind} with these settings; it is for "
                f"{listed(able)} with their default ones, or set prior_correction=null"
            )
        return self

    @model_validator(mode="after")
    def _crops_fit(self) -> "Recipe":
        if not self.architecture.any_size and self.augment.crop_pixels != INPUT_SIZE:
            raise ValueError(
                f"augment.crop_pixels must be {INPUT_SIZE}: "
                f"{self.architecture.kind} takes the whole crop and nothing smaller"
            )
        gentle = self.refinement
        if gentle and gentle.augment.crop_pixels != self.augment.crop_pixels:
            raise ValueError("refinement.augment.crop_pixels must be that of augment")
        return self

    @model_validator(mode="after")
    def _teacher_teaches(self) -> "Recipe":
        has_share = self.teacher_share > 0 or self.added_teacher_share is not None
        if (self.teacher is None) == has_share:
            raise ValueError(
                "teacher and teacher_share go together; without one: teacher=null and teacher_share=0"
            )
        if self.added_teacher_share is not None and not self.data.whole:
            raise ValueError("added_teacher_share goes with data.added=labelled")
        return self

    @property
    def parents(self) -> ParentNames:
        """Names of the bundles that it starts from and is built on, and of its teacher."""
        trunk = self.architecture.trunk_part
        return ParentNames(self.starts_from, trunk and trunk.bundle, self.teacher)

    def warn_of_unreached(self, keys: list[str]) -> None:
        """Log which settings of the augmentation the refinement does not share."""
        if self.refinement is None:
            return
        if "refinement.augment" in keys:
            return
        # A whole part may be set as well: augment={"flip": false}.
        names = [
            key.removeprefix("augment.").partition(".")[0]
            for key in keys
            if key.startswith("augment.")
        ]
        for name in Augment.model_fields if "augment" in keys else names:
            last = getattr(self.refinement.augment, name)
            if last != getattr(self.augment, name) and f"refinement.augment.{name}" not in keys:
                log.warning(
                    "The last %d epochs keep %s=%s: also set refinement.augment.%s.",
                    self.refinement.epochs,
                    name,
                    last,
                    name,
                )

    @property
    def phases(self) -> tuple[tuple[int, Augment], ...]:
        """The last epoch of each augmentation, with its settings, in order."""
        if self.refinement is None:
            return ((self.epochs, self.augment),)
        # A run that is shorter than its refinement is all refinement.
        start = max(0, self.epochs - self.refinement.epochs)
        return (start, self.augment), (self.epochs, self.refinement.augment)


class KeypointRecipe(BaseRecipe):
    """An experiment whose network finds keypoints.

    Attributes:
        architecture, augment: further parts.
    """

    kind: ClassVar[str] = KEYPOINTS_TASK
    figure: ClassVar[Figure] = Figure("rmse", greater_is_better=False)
    n_outputs: ClassVar[int] = len(POINT_NAMES)

    architecture: AnyKeypointArchitecture
    augment: KeypointAugment

    @field_validator("data")
    @classmethod
    def _is_all_keypoints(cls, value: Data) -> Data:
        if value != Data(source=keypoints.NAME):
            raise ValueError(
                f"keypoints are learnt from all rows of {keypoints.NAME}, so nothing of data can be set"
            )
        return value


def _parse_value(text: str) -> Any:
    """Return the value of a text as JSON (0.05, false, [4, 8]), else the text itself, a name."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip()


def differences(settings: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Return the differences of two recipes' JSON settings: dotted names, with the first one's values."""
    later = Recipe.later | Data.later | Augment.later

    def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in values.items():
            is_part = isinstance(value, dict) and key not in later
            found |= flat(value, f"{prefix}{key}.") if is_part else {prefix + key: value}
        return found

    ours, theirs = flat(settings), flat(others)
    # What is not recorded is None.
    ours |= {k: None for k in theirs if k not in ours and k.rpartition(".")[2] in later}
    theirs |= {k: None for k in ours if k not in theirs and k.rpartition(".")[2] in later}
    return {key: value for key, value in ours.items() if theirs.get(key, ...) != value}


def recipe_names() -> list[str]:
    """Return the names of all recipes, each a module of `training.recipes`."""
    import training.recipes

    modules = pkgutil.iter_modules(training.recipes.__path__)
    return sorted(module.name for module in modules if not module.ispkg)


def get_recipe(name: str) -> BaseRecipe:
    """Return the recipe called `name`; raise UnknownNameError with the known ones."""
    recipe: BaseRecipe = recipe_module(name).RECIPE
    return recipe


def recipe_module(name: str) -> ModuleType:
    """Return the module of the recipe called `name`; raise UnknownNameError with the known ones."""
    if name not in recipe_names():
        raise UnknownNameError(
            f"No recipe is called {name!r}. There are: {', '.join(recipe_names())}."
        )
    return importlib.import_module(f"training.recipes.{name}")
