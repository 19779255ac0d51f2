"""A bundle: one folder that holds one trained network and all that is known about it."""

import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from fer_core.errors import BundleError, FerError
from fer_core.expressions import Expression
from fer_core.settings import models_root

SPEC_FILE: Final = "spec.json"
KERAS_FILE: Final = "model.keras"
SERVING_FILE: Final = "model.tflite"
HISTORY_FILE: Final = "history.csv"
CARD_FILE: Final = "README.md"
PREDICTIONS_FOLDER: Final = "predictions"
#: The networks whose opinions are asked unless others are named, the one that sees most last.
OPINIONS: Final = ("cnn", "dual")
#: What `task` in a spec says of a network that finds keypoints; those that name expressions have none.
KEYPOINTS_TASK: Final[Literal["keypoints"]] = "keypoints"


class Part(BaseModel):
    """Base of the parts of a spec: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingData(Part):
    """What the network was trained on.

    Attributes:
        source: name of the data source.
        split: its split.
        n: rows trained on.
        note: what was left out and why, for the card.
        sha256: of the images and labels of these rows; None where it was not recorded.
    """

    source: str
    split: str
    n: int
    note: str
    sha256: str | None = None


class LandmarkMetrics(Part):
    """What landmarks do for a network that sees them, on the whole of a split.

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


class SplitMetrics(Part):
    """What `training evaluate` measured on one split with these very weights.

    Attributes:
        n: rows of the whole split.
        n_clean: rows without a copy in the training data.
        others: as named; `*_clean` on the clean rows. Probabilities are after temperature scaling.
        coverage, selective_accuracy: share of rows answered at the abstention threshold, and the
            accuracy on those.
        landmarks: None for a network that sees no landmarks.
        excluded: faces of the split that were left out, by their class, which the network does not know.
    """

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    nll: float
    coverage: float
    selective_accuracy: float
    per_class_recall: dict[Expression, float]
    n_clean: int
    accuracy_clean: float
    macro_f1_clean: float
    ece_clean: float
    landmarks: LandmarkMetrics | None = None
    excluded: dict[str, int] = {}


class BaseSpec(Part):
    """What the `spec.json` of every kind of bundle tells.

    Attributes:
        name: of the bundle and its folder.
        title: one sentence.
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
    """The content of `spec.json` of a network that names expressions.

    Attributes:
        labels: in the order of the logits.
        landmark_features: version of the landmark vector; None if the network sees no landmarks.
        temperature: that logits are divided by (Guo et al. 2017, arXiv:1706.04599).
        abstention_threshold: confidence below which the answer is "not sure".
        metrics: by "source:split".
    """

    labels: tuple[Expression, ...]
    landmark_features: str | None
    temperature: float
    abstention_threshold: float
    metrics: dict[str, SplitMetrics]

    @property
    def view_pixels(self) -> int:
        """Side of the central square of the input that the network looks at: its maps cover it."""
        architecture = self.recipe.get("architecture", {})
        pixels = architecture.get("trunk", architecture)
        return int(pixels.get("view_pixels", self.input_hw[0]))

    @field_validator("temperature")
    @classmethod
    def _positive(cls, value: float) -> float:
        if not value > 0:
            raise ValueError("must be above 0")
        return value


S = TypeVar("S", bound=BaseSpec)


@dataclass(frozen=True, slots=True)
class BaseBundle(Generic[S]):
    """A folder with a valid spec of some kind.

    Attributes:
        path: the folder.
        spec: the content of its `spec.json`.
    """

    path: Path
    spec: S

    @property
    def serving_file(self) -> Path:
        """The LiteRT file."""
        return self.path / SERVING_FILE

    @property
    def keras_file(self) -> Path:
        """The Keras file."""
        return self.path / KERAS_FILE

    def verify(self, file: str) -> Path:
        """Return the path of a weight file whose checksum agrees with the spec.

        Raises:
            BundleError: the file is missing or its content is not what the spec says.
        """
        path = self.path / file
        if not path.is_file():
            raise BundleError(
                f"{path} is missing. Restore it from version control, or make the bundle anew with: "
                f"python -m training fit {self.spec.name}"
            )
        if (found := sha256_of(path)) != self.spec.sha256.get(file):
            raise BundleError(
                f"{path} is damaged or was replaced: its sha256 is {found[:12]}..., the spec says "
                f"{str(self.spec.sha256.get(file))[:12]}.... Restore it from version control."
            )
        return path


class Bundle(BaseBundle[BundleSpec]):
    """A bundle whose network names expressions."""


def sha256_of(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_spec(folder: Path, kind: type[S]) -> S:
    """Read the spec of a bundle of some kind.

    Raises:
        BundleError: no spec there, or one that breaks the format; the message names the field.
    """
    file = folder / SPEC_FILE
    try:
        return kind.model_validate_json(file.read_text())
    except FileNotFoundError as error:
        raise BundleError(
            f"{folder} holds no {SPEC_FILE}, so it is no bundle. A bundle is a folder that "
            "`python -m training fit` wrote."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise BundleError(f"{file} is not a valid bundle spec: {field}: {first['msg']}.") from error


def open_bundle(path: Path) -> Bundle:
    """Read the bundle in a folder; raise BundleError if there is none or it is damaged."""
    return Bundle(path, read_spec(path, BundleSpec))


def finds_keypoints(folder: Path) -> bool:
    """Return whether the bundle in a folder finds keypoints rather than names expressions."""
    try:
        return json.loads((folder / SPEC_FILE).read_text()).get("task") == KEYPOINTS_TASK
    except (OSError, ValueError, AttributeError):
        # Opening it will say what is wrong.
        return False


def bundle_folders() -> list[Path]:
    """Return the folders of the bundles of every kind under the bundle root, by name."""
    return sorted(path.parent for path in models_root().glob(f"*/{SPEC_FILE}"))


def bundle_names() -> list[str]:
    """Return the names of the bundles under the bundle root that name expressions."""
    return [folder.name for folder in bundle_folders() if not finds_keypoints(folder)]


def resolve(name: str) -> Bundle:
    """Return the bundle called `name` under the bundle root.

    Raises:
        BundleError: there is none, or it is damaged; the message names the nearest ones.
    """
    names = bundle_names()
    if name not in names:
        near = difflib.get_close_matches(name, names) or names
        raise BundleError(
            f"No model is called {name!r} under {models_root()}. "
            + (f"There is: {', '.join(near)}." if near else "There is none at all.")
        )
    return open_bundle(models_root() / name)


def opinions() -> list[str]:
    """Return those of OPINIONS that are here; the first if none is, since asking for it says why."""
    here = bundle_names()
    return [name for name in OPINIONS if name in here] or [OPINIONS[0]]


def resolvable() -> list[Bundle | FerError]:
    """Return every bundle under the root, or in its place the error that keeps it from opening."""
    found: list[Bundle | FerError] = []
    for name in bundle_names():
        try:
            found.append(resolve(name))
        except BundleError as error:
            found.append(error)
    return found
