"""The kinds of networks: one record per kind, with what differs between them.

A further kind is a recipe class, its task (`training.tasks.of_recipe`), a bundle kind
(`fer_core.networks.kinds`) and a record here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from fer_core.networks import kinds as bundle_kinds
from fer_core.networks.bundles import BaseBundle, BaseSpec, Bundle, BundleSpec
from fer_core.networks.keypoints import KeypointBundle, KeypointSpec
from fer_core.networks.kinds import BundleKind
from training import sources
from training.bundle.card import card_text
from training.bundle.keypoint_bundle import evaluate_keypoints, make_keypoint_bundle
from training.bundle.keypoint_card import keypoint_card_text
from training.bundle.make import export_again, make_bundle
from training.bundle.stored_predictions import check_split
from training.loop.result import FitResult
from training.measure.evaluate import Report, evaluate
from training.schema.recipe import BaseRecipe, KeypointRecipe, Recipe
from training.tasks.expressions import shortened_rows, teachers_files
from training.tasks.parents import Parents

R = TypeVar("R", bound=BaseRecipe)
S = TypeVar("S", bound=BaseSpec)
B = TypeVar("B", bound=BaseBundle[Any])


@dataclass(frozen=True, slots=True)
class Kind(Generic[R, S, B]):
    """One kind of network, from its recipes to its bundles.

    Attributes:
        bundle: kind of its bundles.
        recipe: class of its recipes.
        make_bundle: turns a finished run into the bundle of a folder.
        export_again: rewrites a bundle's files from its own weights; None where that is not known.
        measure: measures a bundle on "SOURCE[:SPLIT]" or "folder:PATH", and writes what is told of it.
        card_text: the card of a spec.
        check_split: raises BundleError or DataError unless a file of predictions, "SOURCE:SPLIT" and its
            path, is what the spec tells; None where the spec tells nothing that could be compared.
        shortened: settings for a trial of so many epochs on so many training rows, besides those of all.
        teachers_files: the files that answer for a recipe's teacher (`Teacher.files`), made if they lack;
            None for kinds without teachers.
    """

    bundle: BundleKind[S, B]
    recipe: type[R]
    make_bundle: Callable[[FitResult, R, Path], B]
    measure: Callable[[B, str], Report]
    card_text: Callable[[S], str]
    export_again: Callable[[B], B] | None = None
    check_split: Callable[[B, str, Path], None] | None = None
    shortened: Callable[[R, int, int | None], list[str]] | None = None
    teachers_files: Callable[[R, Parents], dict[Path, str]] | None = None


_EXPRESSIONS: Final[Kind[Recipe, BundleSpec, Bundle]] = Kind(
    bundle=bundle_kinds.EXPRESSION_BUNDLES,
    recipe=Recipe,
    make_bundle=make_bundle,
    measure=lambda bundle, data: evaluate(bundle, sources.load_argument(data)),
    card_text=card_text,
    export_again=export_again,
    check_split=check_split,
    shortened=shortened_rows,
    teachers_files=teachers_files,
)
_KEYPOINTS: Final[Kind[KeypointRecipe, KeypointSpec, KeypointBundle]] = Kind(
    bundle=bundle_kinds.KEYPOINT_BUNDLES,
    recipe=KeypointRecipe,
    make_bundle=make_keypoint_bundle,
    measure=lambda bundle, data: evaluate_keypoints(bundle, sources.load_keypoints_argument(data)),
    card_text=keypoint_card_text,
)
#: Every kind by its name, that of its bundles and of `BaseRecipe.kind`.
KINDS: Final[Mapping[str, Kind[Any, Any, Any]]] = {
    kind.bundle.name: kind for kind in (_EXPRESSIONS, _KEYPOINTS)
}
