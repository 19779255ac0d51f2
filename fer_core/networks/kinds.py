"""The kinds of bundles: one record per kind, with how to open a bundle and run its network.

What training needs of a kind besides is in `training.kinds`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np

from fer_core.networks.bundles import (
    EXPRESSIONS,
    KEYPOINTS_NAME,
    KEYPOINTS_TASK,
    BaseBundle,
    BaseSpec,
    Bundle,
    BundleSpec,
    embedded,
    read_spec,
    resolve_kind,
    task_of,
)
from fer_core.networks.classifier import Classifier
from fer_core.networks.keypoints import (
    KeypointBundle,
    KeypointFinder,
    KeypointSpec,
    embedded_keypoints,
)
from fer_core.settings import models_root

S = TypeVar("S", bound=BaseSpec)
B = TypeVar("B", bound=BaseBundle[Any])
#: Asks a network about crops uint8 (N, H, W) and landmark vectors float32 (N, FEATURE_SIZE).
Runner = Callable[[np.ndarray, np.ndarray], object]


@dataclass(frozen=True, slots=True)
class BundleKind(Generic[S, B]):
    """One kind of bundle.

    Attributes:
        name: what `task_of` says of its folders.
        spec: what its `spec.json` holds.
        bundle: what an open folder is.
        embedded: opens the bundle of a name under the bundle root; raises BundleError.
        load_runner: loads a bundle's serving file, verified, and returns what asks it; raises BundleError.
        only_name: of the one bundle of the kind, by which one on the Hub is known that has no folder here.
    """

    name: str
    spec: type[S]
    bundle: type[B]
    embedded: Callable[[str], B]
    load_runner: Callable[[B], Runner]
    only_name: str | None = None

    def open(self, folder: Path) -> B:
        """Read the bundle in a folder; raise BundleError if there is none or it is damaged."""
        return self.bundle(folder, read_spec(folder, self.spec))


def _point_runner(bundle: KeypointBundle) -> Runner:
    finder = KeypointFinder(bundle)
    return lambda images, _: finder.find(images)


EXPRESSION_BUNDLES: Final[BundleKind[BundleSpec, Bundle]] = BundleKind(
    name=EXPRESSIONS,
    spec=BundleSpec,
    bundle=Bundle,
    embedded=embedded,
    load_runner=lambda bundle: Classifier(bundle).logits,
)
KEYPOINT_BUNDLES: Final[BundleKind[KeypointSpec, KeypointBundle]] = BundleKind(
    name=KEYPOINTS_TASK,
    spec=KeypointSpec,
    bundle=KeypointBundle,
    embedded=embedded_keypoints,
    load_runner=_point_runner,
    only_name=KEYPOINTS_NAME,
)
#: Every kind by its name.
BUNDLE_KINDS: Final[Mapping[str, BundleKind[Any, Any]]] = {
    kind.name: kind for kind in (EXPRESSION_BUNDLES, KEYPOINT_BUNDLES)
}


def kind_of(bundle: BaseBundle[Any]) -> BundleKind[Any, Any]:
    """Return the kind of an open bundle."""
    return BUNDLE_KINDS[bundle.kind]


def kind_in(folder: Path) -> BundleKind[Any, Any]:
    """Return the kind of the bundle in a folder.

    Where there is none, or one of no known kind, it is that of expressions: opening it says what is wrong.
    """
    return BUNDLE_KINDS.get(task_of(folder), EXPRESSION_BUNDLES)


def open_any_bundle(path: Path) -> BaseBundle[Any]:
    """Read the bundle of any kind in a folder; raise BundleError if there is none or it is damaged."""
    found: BaseBundle[Any] = kind_in(path).open(path)
    return found


def resolve_any(name: str) -> BaseBundle[Any]:
    """Return the bundle of any kind called `name`: from the Hub if the settings say so, else from the root.

    Raises:
        BundleError: there is none, or it is damaged, or the setting is wrong; the message names the nearest.
    """
    kind = next(
        (k for k in BUNDLE_KINDS.values() if k.only_name == name), kind_in(models_root() / name)
    )
    found: BaseBundle[Any] | None = resolve_kind(name, kind.bundle, kind.spec)
    if found is None:
        found = kind.embedded(name)
    return found
