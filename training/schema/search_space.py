"""The search space of a recipe, setting by setting."""

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    import keras_tuner


class Choice(BaseModel):
    """Any of some values.

    Attributes:
        values: numbers, words, or tuples of numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: tuple[Any, ...]

    def declare(self, name: str, space: "keras_tuner.HyperParameters") -> None:
        """Add the setting to KerasTuner's space, as the JSON text that `--set` takes."""
        space.Choice(name, [json.dumps(value) for value in self.values])


class Range(BaseModel):
    """Any number between two.

    Attributes:
        low, high: the ends, both included.
        log: drawn evenly over orders of magnitude rather than over values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low must be under high, and above 0 if log")
        return self

    def declare(self, name: str, space: "keras_tuner.HyperParameters") -> None:
        """Add the setting to KerasTuner's space."""
        space.Float(name, self.low, self.high, sampling="log" if self.log else "linear")


#: By the setting's name with dots, as for `fit --set`.
SearchSpace: TypeAlias = dict[str, Choice | Range]
