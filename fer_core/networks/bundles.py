"""A bundle: one folder with one trained network and all information about it."""

import difflib
import hashlib
import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fer_core.data_names import data_name, source_of, validation_name
from fer_core.errors import BundleError, FerError, HubError
from fer_core.expressions import Expression
from fer_core.files import version_of
from fer_core.listing import listed
from fer_core.networks import hub
from fer_core.settings import models_root, named_networks, shipped_root

log = logging.getLogger(__name__)

SPEC_FILE: Final = "spec.json"
KERAS_FILE: Final = "model.keras"
SERVING_FILE: Final = "model.tflite"
HISTORY_FILE: Final = "history.csv"
LAYERS_FILE: Final = "layers.csv"
CARD_FILE: Final = "README.md"
PREDICTIONS_FOLDER: Final = "predictions"
#: Sub-folder of the predictions: a robustness file has more rows than a split and must not pass for one.
ROBUSTNESS_FOLDER: Final = "robustness"
#: Folder of the bundle that finds keypoints.
KEYPOINTS_NAME: Final = "keypoints"
#: The default networks; the one with the most inputs is last.
DEFAULT_PAIR: Final = ("cnn_photos", "dual_photos")
#: The same architectures trained on FER2013 alone, for comparison with published figures.
FER2013_PAIR: Final = ("cnn", "dual")
#: Old names of bundles, and the bundles that replaced them.
RENAMED: Final = {"cnn_wild": "cnn_photos", "dual_wild": "dual_photos"}
#: Required accuracy of covered faces when the abstention threshold is chosen; recipes may set another.
REQUIRED_ACCURACY: Final = 0.85
#: Suffix of a measure's name for clean rows.
CLEAN: Final = "_clean"
#: What `task` in a spec says of a network that finds keypoints; those that name expressions have none.
KEYPOINTS_TASK: Final[Literal["keypoints"]] = "keypoints"
#: The kind of bundles whose specs have no task.
EXPRESSIONS: Final = "expressions"
#: The network families that see no pixel.
_LANDMARKS_ALONE: Final = frozenset({"landmark_mlp"})


class Part(BaseModel):
    """Base of the parts of a spec: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingData(Part):
    """The training data of a network.

    Attributes:
        source: name of the data source.
        split: its split.
        n: rows trained on.
        note: what was left out and why, for the card.
        sha256: of the images and labels of these rows; None where it was not recorded.
        inherited: names of further data sets, from which networks learnt that it began with or was taught by.
        divisions: how all these data sets were divided that have no official splits
            (`training.sources.divisions`); empty where it was not recorded, when they were divided as their
            packs are.
    """

    source: str
    split: str
    n: int
    note: str
    sha256: str | None = None
    inherited: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    divisions: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)


class LandmarkMetrics(Part):
    """The effect of landmarks on a network's accuracy, on all rows of a split.

    Attributes:
        n_found: rows in which landmarks were found.
        accuracy_found: on these; None if there are none.
        n_not_found: the other rows.
        accuracy_not_found: on those, answered without landmarks; None if there are none.
        accuracy_withheld: on all rows, answered as if no landmarks had been found anywhere.
    """

    n_found: int
    accuracy_found: float | None
    n_not_found: int
    accuracy_not_found: float | None
    accuracy_withheld: float


class CalibrationSplit(Part):
    """Validation faces on which temperature and threshold were chosen, with the resulting figures.

    Attributes:
        data: "source:split"; its clean rows, of the classes that the network knows.
        n: their number.
        answered_accuracy: what the answered faces had to reach.
        accuracy: of all faces.
        ece: expected calibration error of all faces, 15 bins.
        coverage: share of faces that are answered at the threshold.
        selective_accuracy: of these.
    """

    data: str
    n: int
    answered_accuracy: float
    accuracy: float
    ece: float
    coverage: float
    selective_accuracy: float

    @property
    def source(self) -> str:
        """Name of the data set."""
        return source_of(self.data)


class SplitMetrics(Part):
    """The measurements of `training evaluate` on one split with exactly these weights.

    Every further field is a number: a measure by its name (`fer_core.evaluation.measures`), on all rows, or
    with CLEAN behind the name on the clean rows. A spec that is older than a measure lacks it, and one that
    is newer than this code may hold measures that are not known here.

    Attributes:
        n: rows of the whole split.
        n_clean: rows without a duplicate in the training data.
        accuracy, accuracy_clean: share of rows answered as labelled, of all rows and of the clean ones.
        coverage, selective_accuracy: share of rows answered at the abstention threshold, and the
            accuracy on those. Probabilities are after temperature scaling.
        per_class_recall: of the rows of each class, the share answered as labelled.
        landmarks: None for a network that sees no landmarks.
        excluded: faces of the split that were left out, by their class, which the network does not know.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    n: int
    n_clean: int
    accuracy: float
    accuracy_clean: float
    coverage: float
    selective_accuracy: float
    per_class_recall: dict[Expression, float]
    landmarks: LandmarkMetrics | None = None
    excluded: dict[str, int] = {}

    def value(self, measure: str, *, clean: bool = False) -> float | None:
        """Return a measure by name, on all or on clean rows; None if it was not computed."""
        value: float | None = getattr(self, measure + CLEAN if clean else measure, None)
        return value


class BaseSpec(Part):
    """The fields that `spec.json` has for every kind of bundle.

    Attributes:
        name: of the bundle and its folder.
        title: a name of at most 32 characters, by which pages call it, or a sentence for its card.
        architecture: network family.
        recipe: every setting that made the weights, as JSON.
        input_hw: height and width of the input.
        pixel_range: least and greatest grey value that the network expects.
        parameters: number of weights.
        training_data: rows trained on.
        backend: that trained it, with its version.
        code_commit: of this repository, "+changes" if the tree differed from it.
        sha256: of every weight file.
        license: of the weights.
    """

    name: str
    title: str
    architecture: str
    recipe: dict[str, Any]
    input_hw: tuple[int, int]
    pixel_range: tuple[float, float]
    parameters: int
    training_data: TrainingData
    backend: str
    code_commit: str
    sha256: dict[str, str]
    license: str


class BundleSpec(BaseSpec):
    """The content of `spec.json` for a network that predicts expressions.

    Attributes:
        labels: in the order of the logits.
        landmark_features: version of the landmark vector; None if the network sees no landmarks.
        prior_offsets: what was subtracted from the logit of each class after training, for the class
            frequencies of the training rows (`training.schema.prior_correction`); empty if nothing was.
        temperature: that logits are divided by (Guo et al. 2017, arXiv:1706.04599).
        abstention_threshold: confidence from which a prediction is confident (`fer_core.networks.levels`).
        references: what temperature and threshold were chosen on; empty if that is the validation split of
            the source alone, on which `metrics` has all figures.
        metrics: by "source:split".
    """

    labels: tuple[Expression, ...]
    landmark_features: str | None
    prior_offsets: tuple[float, ...] = Field(default=(), exclude_if=lambda given: not given)
    temperature: float
    abstention_threshold: float
    references: tuple[CalibrationSplit, ...] = Field(default=(), exclude_if=lambda given: not given)
    metrics: dict[str, SplitMetrics]

    @property
    def sees_pixels(self) -> bool:
        """Whether the network sees pixels, and not only landmarks."""
        return self.architecture not in _LANDMARKS_ALONE

    @property
    def view_pixels(self) -> int:
        """Side of the central square of the input that the network sees and its maps cover."""
        architecture = self.recipe.get("architecture", {})
        pixels = architecture.get("trunk", architecture)
        return int(pixels.get("view_pixels", self.input_hw[0]))

    @property
    def chosen_on(self) -> str:
        """Display name of the validation faces on which epochs, temperature and threshold were chosen."""
        if not self.references:
            return validation_name(self.training_data.source)
        return listed(data_name(reference.data) for reference in self.references)

    @field_validator("temperature")
    @classmethod
    def _positive(cls, value: float) -> float:
        if not value > 0:
            raise ValueError("must be above 0")
        return value


S = TypeVar("S", bound=BaseSpec)


@dataclass(frozen=True, slots=True)
class BaseBundle(Generic[S]):
    """A folder with a valid spec of any kind.

    Attributes:
        kind: name of the kind (`fer_core.networks.kinds`).
        path: the folder.
        spec: the content of its `spec.json`.
        pin: what the folder holds in the cache of the Hub; None for a folder of our own.
        missed: why this folder answers in place of weights on the Hub that the settings name, if it does.
    """

    kind: ClassVar[str]

    path: Path
    spec: S
    pin: hub.Pin | None = None
    missed: str | None = None

    @property
    def origin(self) -> str:
        """Origin of the bundle, in words that follow "from"."""
        return f"the folder {self.path}" if self.pin is None else f"the Hub, {self.pin}"

    @property
    def serving_file(self) -> Path:
        """The LiteRT file."""
        return self.path / SERVING_FILE

    @property
    def is_for_serving(self) -> bool:
        """Whether the Keras file may be missing, as in the Hub's cache and in an installed package."""
        return self.pin is not None or self.path.is_relative_to(shipped_root())

    def verify(self, file: str) -> Path:
        """Return the path of a weight file after checking its checksum against the spec.

        Of a bundle from the Hub, a file that is not here yet, or no longer as it was, is fetched.

        Raises:
            BundleError: the file is missing or its content is not what the spec says.
        """
        if self.pin is not None:
            return hub.fetch(self.pin, file, lambda path: _check_sum(path, self.spec))
        path = self.path / file
        if not path.is_file():
            raise BundleError(
                f"{path} is missing. Restore it from version control, or make the bundle again with: "
                f"python -m training fit {self.spec.name}"
            )
        try:
            _check_sum(path, self.spec)
        except BundleError as error:
            raise BundleError(f"{error} Restore it from version control.") from error
        return path


class Bundle(BaseBundle[BundleSpec]):
    """A bundle whose network predicts expressions."""

    kind: ClassVar[str] = EXPRESSIONS


def sha256_of(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_sum(path: Path, spec: BaseSpec) -> None:
    """Raise BundleError unless the spec has a file of this name with this content."""
    expected = spec.sha256.get(path.name)
    try:
        found = sha256_of(path)
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read: {error.strerror}. Check its permissions."
        ) from error
    if found != expected:
        raise BundleError(
            f"{path} is damaged or was replaced: its sha256 is {found[:12]}..., the spec says "
            f"{str(expected)[:12]}...."
        )


def read_spec(folder: Path, kind: type[S]) -> S:
    """Read the spec of a bundle of a given kind.

    Raises:
        BundleError: no spec there, or one that breaks the format; the message names the field.
    """
    file = folder / SPEC_FILE
    try:
        spec: S = _validated(kind, file, version_of(file))
        return spec
    except FileNotFoundError as error:
        raise BundleError(
            f"{folder} contains no {SPEC_FILE}, so it is not a bundle. Name a folder that "
            "`python -m training fit` wrote."
        ) from error
    except OSError as error:
        raise BundleError(
            f"{file} cannot be read: {error.strerror}. Check its permissions, or restore it from version "
            "control."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise BundleError(f"{file} is not a valid bundle spec: {field}: {first['msg']}.") from error


def open_bundle(path: Path) -> Bundle:
    """Read the bundle in a folder; raise BundleError if there is none or it is damaged."""
    return Bundle(path, read_spec(path, BundleSpec))


def task_of(folder: Path) -> str:
    """Return the task of the bundle in a folder: `task` in its spec, else EXPRESSIONS."""
    file = folder / SPEC_FILE
    try:
        return _task(file, version_of(file))
    except (OSError, ValueError, AttributeError):
        # Opening it reports the error.
        return EXPRESSIONS


# Pages read each spec dozens of times in a run.
@lru_cache(maxsize=256)
def _validated(kind: type[S], file: Path, version: tuple[int, int]) -> S:
    return kind.model_validate_json(file.read_bytes())


@lru_cache(maxsize=256)
def _task(file: Path, version: tuple[int, int]) -> str:
    return str(json.loads(file.read_text()).get("task", EXPRESSIONS))


def bundle_folders() -> list[Path]:
    """Return the folders of the bundles of every kind under the bundle root, by name."""
    root = models_root()
    # A folder is listed, since a pattern takes ten times as long.
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [folder for folder in folders if (folder / SPEC_FILE).is_file()]


def bundle_names() -> list[str]:
    """Return the names of the bundles that predict expressions, in the bundle root or set for the Hub."""
    here = {folder.name: task_of(folder) for folder in bundle_folders()}
    wanted = hub.names_besides([*here, KEYPOINTS_NAME])
    return sorted([name for name, task in here.items() if task == EXPRESSIONS] + wanted)


def all_names() -> list[str]:
    """Return the names of the bundles of every kind, in the bundle root or set for the Hub."""
    here = [folder.name for folder in bundle_folders()]
    return sorted([*here, *hub.names_besides(here)])


def resolve(name: str) -> Bundle:
    """Return the bundle called `name`: from the Hub if the settings say so, else from the bundle root.

    Where the Hub's weights cannot be had, those of the bundle root answer, and `missed` says why.

    Raises:
        BundleError: there is none, or it is damaged, or the setting is wrong; the message names the nearest.
    """
    return resolve_kind(name, Bundle, BundleSpec) or embedded(name)


def embedded(name: str) -> Bundle:
    """Return the bundle called `name` from the bundle root.

    Raises:
        BundleError: there is none, or it is damaged; the message names the nearest ones.
    """
    known = current_name(name)
    folder = models_root() / known
    # A name, and no path that leads elsewhere.
    if folder.name == known and (folder / SPEC_FILE).is_file():
        if task_of(folder) == EXPRESSIONS:
            return open_bundle(folder)
        raise BundleError(f"The network {name!r} predicts no expressions. Name one that does.")
    names = [folder.name for folder in bundle_folders() if task_of(folder) == EXPRESSIONS]
    lacking = f"No network is called {name!r} under {models_root()}."
    if near := difflib.get_close_matches(name, names):
        raise BundleError(f"{lacking} Did you mean {' or '.join(near)}?")
    raise BundleError(f"{lacking} There are: {', '.join(names) or 'none'}.")


def current_name(name: str) -> str:
    """Return the new name of a renamed network, unless a bundle or a setting has the old one."""
    # Pages ask dozens of times in a run, mostly for names that were never others.
    if name not in RENAMED or (models_root() / name / SPEC_FILE).is_file() or hub.pin_of(name):
        return name
    return RENAMED[name]


B = TypeVar("B", bound=BaseBundle[Any])


def resolve_kind(name: str, bundle: type[B], spec: type[BaseSpec]) -> B | None:
    """Return a bundle of a given kind from the Hub; None if the settings do not name it.

    Raises:
        BundleError: the setting is wrong, or the Hub's cannot be had and there is none under the bundle root.
    """
    name = current_name(name)
    pin = hub.pin_of(name)
    if pin is None:
        return None
    here = models_root() / name
    try:
        folder = hub.remembered(pin, lambda: _pull(pin, spec)).parent
        return bundle(folder, read_spec(folder, spec), pin)
    except BundleError as error:
        if not (here / SPEC_FILE).is_file():
            raise
        return bundle(here, read_spec(here, spec), missed=str(error))


def _pull(pin: hub.Pin, kind: type[BaseSpec]) -> Path:
    """Download a commit's bundle into the cache, verify its serving file, and return its spec's path.

    All but the Keras file comes in one go, since the rest is a few hundred kB beside the megabytes of the
    serving file, and pages read it at once. The Keras file, as large again, comes when `verify` asks for it.

    Raises:
        HubError: it cannot be had, or is damaged.
    """
    file = hub.fetch(pin, SPEC_FILE, lambda path: read_spec(path.parent, kind))
    spec = read_spec(file.parent, kind)
    hub.fetch(pin, SERVING_FILE, lambda path: _check_sum(path, spec))
    # The spec tells no checksums of these; the commit's hash pins them.
    names = [data.replace(":", "-") for data in getattr(spec, "metrics", {})]
    try:
        for told in (
            *(CARD_FILE, LAYERS_FILE, HISTORY_FILE),
            *(f"{PREDICTIONS_FOLDER}/{name}.parquet" for name in names),
            *(f"{PREDICTIONS_FOLDER}/{ROBUSTNESS_FOLDER}/{name}.parquet" for name in names),
        ):
            hub.fetch_if_there(pin, told)
    except HubError as error:
        log.warning("%s answers without what was told of it: %s", pin, error)
    return file


def default_networks() -> list[str]:
    """Return the default networks: those of FER_NETWORKS, else the default pair.

    All that FER_NETWORKS names are returned: resolving one that is missing says so. The default is what is
    here of DEFAULT_PAIR; in a folder of models with neither, its first two networks.
    """
    if named := named_networks():
        return list(named)
    here = bundle_names()
    return [name for name in DEFAULT_PAIR if name in here] or here[:2] or [DEFAULT_PAIR[0]]


def stand_in_sentence(name: str, bundle: BaseBundle[Any]) -> str | None:
    """Return which weights are used for a network in place of the Hub's, and why; None if none are."""
    if bundle.missed is None:
        return None
    return f"{name} predicts with the weights of {bundle.origin}. {bundle.missed}"


def resolvable() -> dict[str, Bundle | FerError]:
    """Return every bundle by the name to ask for it, or the error that prevents opening it.

    That name is the folder's or the setting's; the one in its spec may be another.
    """
    found: dict[str, Bundle | FerError] = {}
    for name in bundle_names():
        try:
            found[name] = resolve(name)
        except BundleError as error:
            found[name] = error
    return found
