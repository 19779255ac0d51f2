"""All network families, found in the modules of this package."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, Union

from pydantic import Field

import training.architectures
from training.architectures.base import (
    Architecture,
    ExpressionArchitecture,
    KeypointArchitecture,
)


def families_in(modules: Iterable[ModuleType]) -> dict[str, type[Architecture]]:
    """Return the families that modules define, by their kinds.

    Raises:
        ValueError: a family has no `kind` of its own, or two have the same.
    """
    found: dict[str, type[Architecture]] = {}
    for module in modules:
        for family in vars(module).values():
            if not (inspect.isclass(family) and issubclass(family, Architecture)):
                continue
            if family.__module__ != module.__name__ or inspect.isabstract(family):
                continue
            kind = family.model_fields["kind"].default
            if not kind:
                raise ValueError(
                    f"{family.__module__}.{family.__name__} needs a kind: write "
                    '`kind: Literal["NAME"] = "NAME"`.'
                )
            if other := found.get(kind):
                raise ValueError(
                    f"{other.__module__}.{other.__name__} and {family.__module__}.{family.__name__} both "
                    f"have the kind {kind}. Give one of them another."
                )
            found[kind] = family
    return found


def _modules() -> Iterable[ModuleType]:
    for module in pkgutil.iter_modules(training.architectures.__path__):
        if (name := f"{training.architectures.__name__}.{module.name}") != __name__:
            yield importlib.import_module(name)


#: Every family by its kind.
ARCHITECTURES: Final[Mapping[str, type[Architecture]]] = families_in(_modules())
#: Of these, those whose networks name expressions.
EXPRESSION_ARCHITECTURES: Final[Mapping[str, type[ExpressionArchitecture]]] = {
    kind: family
    for kind, family in ARCHITECTURES.items()
    if issubclass(family, ExpressionArchitecture)
}

if TYPE_CHECKING:
    AnyExpressionArchitecture: TypeAlias = ExpressionArchitecture
    AnyKeypointArchitecture: TypeAlias = KeypointArchitecture
else:

    def _any_of(base: type[Architecture]) -> Any:
        """Return the union of the families of a base, discriminated by kind, for pydantic."""
        families = tuple(family for family in ARCHITECTURES.values() if issubclass(family, base))
        # Pydantic takes no discriminator for a single type.
        return families[0] if len(families) == 1 else _told_apart(families)

    def _told_apart(families: tuple[type[Architecture], ...]) -> Any:
        return Annotated[Union[families], Field(discriminator="kind")]  # noqa: UP007 a tuple

    AnyExpressionArchitecture = _any_of(ExpressionArchitecture)
    AnyKeypointArchitecture = _any_of(KeypointArchitecture)
