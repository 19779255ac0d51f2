"""The table of a network's layers: one row per relevant layer, with stage, size and cost.

Multiply-adds, for one face, are those of

- convolutions: the kernel's weights times the places of the output (of a transposed one: of the input),
- dense layers: the kernel's weights, times the other axes' places where the input has more than one,
- products of matrices: the places of the output times the length of the axis that is summed over.

Biases, normalisation, activations, pooling, sums and the reading of an image at other places are left out:
they are a small part, and a normalisation that follows a convolution is folded into its weights.

Layers belong to a stage by where they stand in the graph:

- `head`: what lies between the last layers with weights, these included, and the output;
- images: what follows on each other at one height and width in one sub-model, "24x24", or
  "SUB_MODEL 24x24"; with "up" where the stage before is smaller;
- vectors (and images of 1x1) whose every way to the output leads through a larger image: with the image that
  they come from, as the weights of channels do in EfficientNet; else `alignment`, which says where to
  look in an image;
- other vectors: `dense` if they know of pixels, `landmark branch` if they know of landmarks alone.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fer_core.networks.layers import HEAD, Layer
from training.errors import TrainingError

if TYPE_CHECKING:
    import keras

ALIGNMENT: Final = "alignment"
DENSE: Final = "dense"
LANDMARK_BRANCH: Final = "landmark branch"
#: What multiplies features with each other and has no formula here.
_UNCOUNTED: Final = frozenset(
    {
        *("Dot", "Einsum", "Inner", "Tensordot", "Vdot", "Attention", "AdditiveAttention"),
        *("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv", "DotProductAttention"),
    }
)
#: How one comes into a stage: its sub-model, height and width, and the stage before.
_Entrance = tuple[str, int, int, str]


@dataclass(slots=True, eq=False)
class _Call:
    """One call of a layer or another operation, in a network with its sub-models expanded.

    Attributes:
        operation: Keras's.
        name: unique in the network.
        sub_model: "" for the network itself.
        shape: of its (first) output, without the batch.
        is_truth: whether the output is a boolean mask, which says where there are features, but holds none.
        sources: the calls whose outputs it takes.
        parameters: of a layer that is used twice, those of its first use.
        bypasses: whether a way leads from it to the output on which no image is met.
        stage: that it belongs to.
    """

    operation: Any
    name: str
    sub_model: str
    shape: tuple[int, ...]
    is_truth: bool
    sources: "list[_Call]"
    parameters: int
    bypasses: bool = False
    stage: str = field(default="")

    @property
    def is_input(self) -> bool:
        return not self.sources

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3 and self.shape[0] * self.shape[1] > 1

    @property
    def features(self) -> "list[_Call]":
        """The sources that are not masks."""
        return [source for source in self.sources if not source.is_truth]


def layer_table(network: "keras.Model") -> tuple[Layer, ...]:
    """Return a network's layers: inputs, then stage by stage in the order of the data flow, the head last.

    A layer matters if it has weights, does multiply-adds, joins or reshapes features, or if it makes an image
    out of vectors.

    Args:
        network: functional, its inputs' sizes known.

    Raises:
        TrainingError: it has a layer with weights, or an operation that multiplies features with each
            other, whose multiply-adds we do not know how to count.
    """
    made: dict[int, _Call] = {}
    calls = _take_apart(network, made, "")
    outputs = [made[id(tensor)] for tensor in network.outputs]
    _assign_stages(calls, outputs)
    inputs = [made[id(tensor)] for tensor in network.inputs]
    order = list(dict.fromkeys([*(c.stage for c in inputs), *(c.stage for c in calls)]))
    order.sort(key=HEAD.__eq__)
    costs = {id(call): _multiply_adds(call) for call in calls}
    rows = [call for call in calls if _matters(call, costs[id(call)])]
    listed = {id(call) for call in rows}
    return tuple(
        Layer(
            stage=call.stage,
            name=call.name,
            type=type(call.operation).__name__,
            kernel=_kernel(call.operation),
            output=call.shape,
            parameters=call.parameters,
            multiply_adds=costs[id(call)],
            inputs=tuple(dict.fromkeys(_listed_before(call, listed))),
        )
        for call in sorted(rows, key=lambda call: order.index(call.stage))
    )


def _take_apart(network: Any, made: dict[int, _Call], sub_model: str) -> list[_Call]:
    """Return a network's calls, sources first.

    Args:
        network: may be a sub-model.
        made: by the id of each tensor, the call that made it; knows a sub-model's inputs, and is added to.
        sub_model: the network's name in the whole.
    """
    import keras

    if isinstance(network, keras.Sequential):
        network = network._functional
    calls: list[_Call] = []
    # Nothing public tells how the layers of a network are joined.
    depths = sorted(network._nodes_by_depth, reverse=True)
    for node in (node for depth in depths for node in network._nodes_by_depth[depth]):
        operation = node.operation
        sources = [made[id(tensor)] for tensor in node.input_tensors]
        name = f"{sub_model}/{operation.name}".lstrip("/")
        if node.is_input and id(node.output_tensors[0]) in made:
            continue
        if isinstance(operation, keras.Model):
            operation = _with_known_sizes(operation, node.input_tensors)
            made |= {id(t): call for t, call in zip(operation.inputs, sources, strict=True)}
            calls += _take_apart(operation, made, name)
            given = [made[id(tensor)] for tensor in operation.outputs]
        else:
            tensor = node.output_tensors[0]
            calls.append(
                _Call(
                    operation=operation,
                    name=name,
                    sub_model=sub_model,
                    shape=tuple(tensor.shape[1:]),
                    is_truth=tensor.dtype == "bool",
                    sources=sources,
                    parameters=_weights(operation),
                )
            )
            given = [calls[-1]] * len(node.output_tensors)
        made |= {id(t): call for t, call in zip(node.output_tensors, given, strict=True)}
    return calls if sub_model else _told_apart(calls)


def _with_known_sizes(network: Any, given: list[Any]) -> Any:
    """Return a sub-model; if it accepts any size, a copy for exactly these inputs."""
    import keras

    if all(None not in tensor.shape[1:] for tensor in network.inputs):
        return network
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in given]
    structured = keras.tree.pack_sequence_as(network.input, inputs)
    return keras.models.clone_model(network, input_tensors=structured)


def _told_apart(calls: list[_Call]) -> list[_Call]:
    """Return the calls with unique names; shared weights are counted at their first use."""
    uses: Counter[str] = Counter()
    for call in calls:
        uses[call.name] += 1
        if (n := uses[call.name]) > 1:
            call.name, call.parameters = f"{call.name}#{n}", 0
    return calls


def _weights(operation: Any) -> int:
    return operation.count_params() if hasattr(operation, "count_params") else 0


def _assign_stages(calls: list[_Call], outputs: list[_Call]) -> None:
    head = _head(outputs)
    _find_bypasses(calls, outputs)
    knows_pixels: set[int] = set()
    entered: dict[_Entrance, str] = {}
    for call in calls:
        if call.is_image or any(id(source) in knows_pixels for source in call.sources):
            knows_pixels.add(id(call))
        if call.is_input:
            call.stage = call.name
        elif id(call) in head:
            call.stage = HEAD
        elif call.is_image:
            call.stage = _stage_of_image(call, entered)
        elif call.bypasses:
            call.stage = DENSE if id(call) in knows_pixels else LANDMARK_BRANCH
        else:
            call.stage = _stage_before_image(call)


def _head(outputs: list[_Call]) -> set[int]:
    head: set[int] = set()
    pending = list(outputs)
    while pending:
        call = pending.pop()
        if id(call) not in head and not call.is_input:
            head.add(id(call))
            pending += [] if call.parameters else call.features
    return head


def _find_bypasses(calls: list[_Call], outputs: list[_Call]) -> None:
    for call in outputs:
        call.bypasses = True
    for call in reversed(calls):
        if call.bypasses and not call.is_image:
            for source in call.sources:
                source.bypasses = True


def _stage_of_image(call: _Call, entered: dict[_Entrance, str]) -> str:
    """Return the stage of an image.

    Args:
        call: that gives it.
        entered: the stages so far, by how one comes into them; is added to.
    """
    images = [_unpadded(source) for source in call.features if source.is_image]
    if not images:
        return call.features[-1].stage
    place = call.sub_model, call.shape[0], call.shape[1]
    before = [s for s in images if (s.sub_model, *s.shape[:2]) == place and not s.is_input]
    if before:
        # Where a decoder path joins a skip connection, follow the decoder path.
        made = list(entered.values())
        return max((source.stage for source in before), key=made.index)
    # The two ways through a residual block enter its stage from the same one.
    entrance = *place, images[0].stage
    if entrance not in entered:
        rises = images[0].shape[0] < call.shape[0]
        name = f"{call.sub_model} {call.shape[0]}x{call.shape[1]}{' up' if rises else ''}".strip()
        n = sum(stage.partition(" (")[0] == name for stage in entered.values())
        entered[entrance] = f"{name} ({n + 1})" if n else name
    return entered[entrance]


def _unpadded(call: _Call) -> _Call:
    """Return the input of a zero padding, which belongs to the following convolution."""
    return call.sources[0] if _is_rim(call) else call


def _is_rim(call: _Call) -> bool:
    return type(call.operation).__name__ == "ZeroPadding2D"


def _stage_before_image(call: _Call) -> str:
    for source in call.features:
        if not source.is_input and (source.is_image or not source.bypasses):
            return source.stage
    return ALIGNMENT


def _matters(call: _Call, multiply_adds: int) -> bool:
    from keras import layers

    if call.is_input or call.parameters or multiply_adds:
        return True
    if call.is_image and not any(source.is_image for source in call.sources):
        return True
    is_layer = isinstance(call.operation, layers.Layer) and not _is_rim(call)
    return is_layer and [source.shape for source in call.features] != [call.shape]


def _listed_before(call: _Call, listed: set[int]) -> list[str]:
    """Return the names of the nearest calls before one that have a row."""
    names = []
    pending = call.features[::-1]
    seen = set()
    while pending:
        source = pending.pop()
        if id(source) in listed:
            names.append(source.name)
        elif id(source) not in seen:
            seen.add(id(source))
            pending += source.features[::-1]
    return names


def _kernel(operation: Any) -> str:
    sides = getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)
    return "x".join(map(str, sides)) if sides else ""


def _multiply_adds(call: _Call) -> int:
    from keras import layers

    operation, places = call.operation, math.prod(call.shape[:-1])
    if isinstance(operation, layers.Conv1DTranspose | layers.Conv2DTranspose):
        return int(math.prod(operation.kernel.shape) * math.prod(call.sources[0].shape[:-1]))
    if isinstance(operation, layers.SeparableConv1D | layers.SeparableConv2D):
        kernels = (operation.depthwise_kernel, operation.pointwise_kernel)
        return int(sum(math.prod(kernel.shape) for kernel in kernels) * places)
    if isinstance(
        operation,
        layers.Conv1D | layers.Conv2D | layers.DepthwiseConv1D | layers.DepthwiseConv2D,
    ):
        # Of a grouped convolution too: its kernel is as deep as one group.
        return int(math.prod(operation.kernel.shape) * places)
    if isinstance(operation, layers.Dense):
        return int(math.prod(operation.kernel.shape) * places)
    if type(operation).__name__ == "Matmul":
        return math.prod(call.shape) * call.sources[0].shape[-1]
    is_counted_as_nothing = isinstance(
        operation,
        layers.BatchNormalization
        | layers.LayerNormalization
        | layers.GroupNormalization
        | layers.PReLU,
    )
    if (call.parameters and not is_counted_as_nothing) or type(operation).__name__ in _UNCOUNTED:
        raise TrainingError(
            f"It is not known how many multiply-adds a {type(operation).__name__} does (layer "
            f"{call.name}). Add the formula to training/networks/layer_table.py."
        )
    return 0
