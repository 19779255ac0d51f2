"""Optimisers as parts of a recipe."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import keras

#: Parameters that weight decay leaves alone, by their names in Keras.
_NOT_DECAYED = ["gamma", "beta", "bias"]


class _Optimizer(BaseModel, ABC):
    """Common settings: linear warm-up, then a cosine to zero (`training.loop.schedule`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    peak_learning_rate: float = Field(gt=0.0)
    weight_decay: float = Field(ge=0.0)
    warmup_epochs: float = Field(ge=0.0)

    def build(
        self,
        schedule: "keras.optimizers.schedules.LearningRateSchedule",
        *,
        ema_momentum: float,
        variables: "list[keras.Variable]",
    ) -> "keras.optimizers.Optimizer":
        """Return the optimiser of these variables, with a moving average of each."""
        optimizer = self._make(
            learning_rate=schedule,
            weight_decay=self.weight_decay,
            use_ema=True,
            ema_momentum=ema_momentum,
        )
        optimizer.exclude_from_weight_decay(var_names=_NOT_DECAYED)
        optimizer.build(variables)
        return optimizer

    @abstractmethod
    def _make(self, **common: object) -> "keras.optimizers.Optimizer":
        """Return the optimiser with these arguments and its own."""


class Sgd(_Optimizer):
    """SGD with Nesterov momentum.

    Attributes:
        peak_learning_rate: reached at the end of the warm-up.
        momentum: of Nesterov.
        weight_decay: of kernels, decoupled as in Loshchilov and Hutter 2019 (arXiv:1711.05101). With
            momentum 0.9 it acts like an L2 term ten times smaller.
        warmup_epochs: epochs of linear rise.
    """

    kind: Literal["sgd"] = "sgd"
    peak_learning_rate: float = Field(default=0.1, gt=0.0)
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0)
    weight_decay: float = Field(default=5e-3, ge=0.0)
    warmup_epochs: float = Field(default=2.0, ge=0.0)

    def _make(self, **common: object) -> "keras.optimizers.Optimizer":
        import keras

        return keras.optimizers.SGD(momentum=self.momentum, nesterov=True, **common)


class Adam(_Optimizer):
    """Adam with decoupled weight decay (Kingma and Ba 2015, arXiv:1412.6980; arXiv:1711.05101).

    Attributes:
        peak_learning_rate: reached at the end of the warm-up.
        weight_decay: of kernels.
        warmup_epochs: epochs of linear rise.
    """

    kind: Literal["adam"] = "adam"
    peak_learning_rate: float = Field(default=1e-3, gt=0.0)
    weight_decay: float = Field(default=0.0, ge=0.0)
    warmup_epochs: float = Field(default=1.0, ge=0.0)

    def _make(self, **common: object) -> "keras.optimizers.Optimizer":
        import keras

        return keras.optimizers.AdamW(**common)


#: Any optimiser, told apart by its `kind`; without one it is SGD.
Optimizer: TypeAlias = Annotated[Sgd | Adam, Field(discriminator="kind")]
