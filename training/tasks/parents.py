"""The parents of a run: the bundles and the teacher that a recipe names, loaded once."""

from dataclasses import dataclass

from fer_core.data_names import PLUS
from fer_core.networks.bundles import Bundle, resolve
from training.schema.recipe import BaseRecipe
from training.sources.ancestors import Ancestor, Ancestors
from training.teachers.ensemble import EnsembleTeacher, campaign_of
from training.teachers.joint import JointTeacher
from training.teachers.teacher import BundleTeacher, Teacher


@dataclass(frozen=True, slots=True)
class Parents:
    """The bundles that a recipe names, and its teacher.

    Attributes:
        start: whose weights the network begins with (`Recipe.starts_from`).
        trunk: whose weights a part of the network has and keeps (`ExpressionArchitecture.trunk_part`).
        teacher: whose predictions take part in the targets.
    """

    start: Bundle | None = None
    trunk: Bundle | None = None
    teacher: Teacher | None = None

    @property
    def ancestors(self) -> Ancestors:
        """The record of the parents for a new run; if there is only a trunk, it is the start."""
        start, trunk = (None if b is None else Ancestor.of(b) for b in (self.start, self.trunk))
        return Ancestors(
            start=trunk if start is None else start,
            trunk=None if start is None else trunk,
            teacher=None if self.teacher is None else self.teacher.ancestor,
        )


def parents_of(recipe: BaseRecipe) -> Parents:
    """Return the parents of a recipe's run.

    Raises:
        BundleError: a bundle is not there or damaged.
        DataError: so is the ensemble that teaches it.
    """
    named = recipe.parents
    return Parents(
        start=None if named.start is None else resolve(named.start),
        trunk=None if named.trunk is None else resolve(named.trunk),
        teacher=None if named.teacher is None else _teacher(named.teacher),
    )


def _teacher(name: str) -> Teacher:
    if (campaign := campaign_of(name)) is not None:
        return EnsembleTeacher.of(campaign)
    return JointTeacher.named(name) if PLUS in name else BundleTeacher.named(name)
