"""Architecture diagrams, and the cost of each stage."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from fer_core.networks.bundles import KERAS_FILE, BaseSpec
from fer_core.networks.layers import Layer, Stage, stages_of
from fer_core.palette import BLUE, GUIDE_COLOR, OCHRE
from fer_core.views.style import INK, NOTE_SIZE, lay_out, new_figure, new_panels, rows_from_top
from fer_core.views.view import View

#: Of boxes: no cost, and the greatest cost. They cover the theme's ground, so that their text is INK on both
#: themes, with a contrast of 6:1 or more.
_BOX_COLORS: Final = ((234, 243, 248), (118, 180, 217))
_ROW_HEIGHT: Final = 36
_FRAME_HEIGHT: Final = 90
#: Pixels from a box's middle to that of the box below.
_LEVEL_HEIGHT: Final = 116
#: Half a box, as shares of the distance to the next one.
_HALF_WIDTH: Final = 0.45
_HALF_HEIGHT: Final = 0.33
#: The column of all stages that go up; other columns are called after their first stage.
_WAY_UP: Final = "the way up"
#: Room for a bar's number beyond its end.
_BEYOND: Final = 1.7
_NOT_COUNTED: Final = (
    "Biases, normalization, activations, pooling and sums are not counted as multiply-adds."
)


def short_count(value: int) -> str:
    """Return a count with at most three digits: 416, 508 k, 24.4 M, 1.2 G."""
    amount = float(value)
    for unit in ("", " k", " M", " G"):
        if amount < 999.5 or unit == " G":
            break
        amount /= 1000
    digits = 1 if unit and amount < 99.95 else 0
    return f"{amount:,.{digits}f}".removesuffix(".0") + unit


def architecture_view(spec: BaseSpec, layers: Sequence[Layer]) -> View:
    """Return a network's stages as boxes with arrows, from its inputs down to its head.

    Args:
        spec: of the bundle.
        layers: of its network.
    """
    stages = stages_of(layers)
    places = _places(stages)
    most = max(stage.multiply_adds for stage in stages) or 1
    figure = new_figure()
    for stage in stages:
        _draw_box(figure, stage, places[stage.name], share=stage.multiply_adds / most)
    for stage in stages:
        for source in stage.inputs:
            _draw_arrow(figure, places[source], places[stage.name])
    # Invisible marks carry the hover text, because shapes cannot.
    figure.add_scatter(
        x=[places[stage.name].x for stage in stages],
        y=[places[stage.name].level for stage in stages],
        mode="markers",
        marker={"size": 48, "opacity": 0, "symbol": "square", "color": GUIDE_COLOR},
        hovertext=[_hover(stage) for stage in stages],
        hoverinfo="text",
        showlegend=False,
    )
    right = max(place.last_column for place in places.values())
    bottom = max(place.level for place in places.values())
    figure.update_xaxes(range=[-0.5, right + 0.5], visible=False)
    figure.update_yaxes(range=[bottom + 0.4, -0.4], visible=False)
    lay_out(figure, height=_LEVEL_HEIGHT * (bottom + 1))
    figure.update_layout(margin=dict.fromkeys("lrtb", 0))
    return View(
        name=f"architecture-{spec.name}",
        title="Architecture",
        figure=figure,
        reading=(
            "Boxes are stages, arrows their inputs; a bluer box costs more multiply-adds. A stage is a "
            f"run of layers at one height and width. {_weights(spec)}"
        ),
        data=_table(stages),
    )


def cost_view(spec: BaseSpec, layers: Sequence[Layer]) -> View:
    """Return the multiply-adds and the parameters of each stage as bars side by side.

    Args:
        spec: of the bundle.
        layers: of its network.
    """
    stages = [stage for stage in stages_of(layers) if stage.inputs]
    names = [stage.name for stage in stages]
    hovers = [_hover(stage) for stage in stages]
    figure = new_panels(cols=2, shared_yaxes=True, horizontal_spacing=0.05)
    costs = (
        ("Multiply-adds", BLUE, [stage.multiply_adds for stage in stages]),
        ("Parameters", OCHRE, [stage.parameters for stage in stages]),
    )
    for column, (title, color, values) in enumerate(costs, start=1):
        figure.add_bar(
            x=values,
            y=names,
            orientation="h",
            marker={"color": color},
            text=[short_count(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertext=hovers,
            hoverinfo="text",
            row=1,
            col=column,
        )
        figure.update_xaxes(
            title=title,
            range=[0, _BEYOND * max(values)],
            tickvals=[0, _round_down(max(values))],
            ticktext=["0", short_count(_round_down(max(values)))],
            row=1,
            col=column,
        )
    rows_from_top(figure, of_bars=True)
    # Sub-model and size on two lines: a phone is narrow.
    figure.update_yaxes(tickvals=names, ticktext=[_broken_name(stage) for stage in stages])
    lay_out(figure, height=_FRAME_HEIGHT + _ROW_HEIGHT * len(stages))
    figure.update_layout(showlegend=False)
    total = sum(stage.multiply_adds for stage in stages)
    parameters = sum(stage.parameters for stage in stages)
    return View(
        name=f"costs-{spec.name}",
        title="Cost by stage",
        figure=figure,
        reading=(
            f"In all {total:,} multiply-adds per face and {parameters:,} parameters. Each panel has its own "
            f"scale. {_NOT_COUNTED} {_weights(spec)}"
        ),
        data=_table(stages),
    )


def _round_down(value: int) -> int:
    """Return the greatest of 1, 2, 5, 10, 20, ... that is not above a count; 1 for none."""
    power = 10 ** (len(str(value)) - 1)
    return int(max(power * digit for digit in (1, 2, 5) if digit == 1 or power * digit <= value))


def layer_rows(layers: Sequence[Layer]) -> pd.DataFrame:
    """Return a network's layers for display, one row per layer."""
    return pd.DataFrame(
        [
            {
                "Stage": layer.stage,
                "Layer": layer.name,
                "Type": layer.type,
                "Kernel": layer.kernel,
                "Output": _shape(layer.output),
                "Parameters": layer.parameters,
                "Multiply-adds": layer.multiply_adds,
            }
            for layer in layers
        ]
    )


def _weights(spec: BaseSpec) -> str:
    return f"Counted from the weights {spec.name}, sha256 {spec.sha256.get(KERAS_FILE, '')[:12]}."


def _table(stages: Sequence[Stage]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Stage": stage.name,
                "Inputs": ", ".join(stage.inputs),
                "Layers": _made_of(stage),
                "Output": _shape(stage.output),
                "Multiply-adds": stage.multiply_adds,
                "Parameters": stage.parameters,
            }
            for stage in stages
        ]
    )


def _shape(output: tuple[int, ...]) -> str:
    return "x".join(map(str, output))


def _broken_name(stage: Stage) -> str:
    return f"{stage.sub_model}<br>{_own_name(stage)}" if stage.sub_model else stage.name


def _own_name(stage: Stage) -> str:
    """Return a stage's name without its sub-model."""
    return stage.name.removeprefix(f"{stage.sub_model} ")


def _made_of(stage: Stage) -> str:
    """Return a short description of a stage's main layers."""
    if not stage.inputs:
        return _input_words(stage.output)
    kernels = Counter(layer.kernel for layer in stage.layers if "Conv" in layer.type)
    words = [f"{n} conv {kernel}" for kernel, n in kernels.most_common()]
    widths = [str(layer.output[-1]) for layer in stage.layers if layer.type == "Dense"]
    words += [f"dense {', '.join(widths)}"] if widths else []
    if any(layer.type == "Matmul" for layer in stage.layers):
        words.append("soft-argmax" if kernels else "matrix product")
    return ", ".join(words) or stage.layers[0].type


def _input_words(output: tuple[int, ...]) -> str:
    if len(output) == 3:
        return f"{output[0]}x{output[1]} {'greyscale' if output[2] == 1 else 'RGB'}"
    return f"{output[-1]:,} numbers"


def _hover(stage: Stage) -> str:
    """Return a stage's layers that have a cost, one per line."""
    lines = [f"<b>{stage.name}</b>, output {_shape(stage.output)}"]
    for layer in stage.layers:
        if layer.multiply_adds or (layer.parameters and layer.type != "BatchNormalization"):
            kernel = f" {layer.kernel}" if layer.kernel else ""
            lines.append(
                f"{layer.type}{kernel} to {_shape(layer.output)}: "
                f"{short_count(layer.multiply_adds)} multiply-adds, "
                f"{short_count(layer.parameters)} parameters"
            )
    if stage.inputs:
        lines.append(
            f"In all {stage.multiply_adds:,} multiply-adds, {stage.parameters:,} parameters"
        )
    return "<br>".join(lines)


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a stage's box, in columns from the left and levels from the top.

    Attributes:
        level: of the middle.
        column: the first that it covers.
        last_column: the last.
    """

    level: int
    column: int
    last_column: int

    @property
    def x(self) -> float:
        return (self.column + self.last_column) / 2

    @property
    def left(self) -> float:
        return self.column - _HALF_WIDTH

    @property
    def right(self) -> float:
        return self.last_column + _HALF_WIDTH

    @property
    def top(self) -> float:
        return self.level - _HALF_HEIGHT

    @property
    def bottom(self) -> float:
        return self.level + _HALF_HEIGHT


def _places(stages: Sequence[Stage]) -> dict[str, _Place]:
    """Return the place of each stage's box.

    A stage stands below what it takes in; one that joins columns covers them; a way up stands beside the
    way down, each stage at the level of the one whose features it takes in.
    """
    columns = _columns(stages)
    going_up = {stage.name for stage in stages if stage.goes_up}
    levels: dict[str, int] = {}
    for stage in stages:
        before = [name for name in stage.inputs if name in levels]
        beside = [levels[name] for name in before if columns[name] != columns[stage.name]]
        if stage.goes_up and beside:
            levels[stage.name] = min(beside)
        elif len(before) == 1 and before[0] in going_up:
            levels[stage.name] = max(0, levels[before[0]] - 1)
        else:
            levels[stage.name] = 1 + max((levels[name] for name in before), default=-1)
    return {
        stage.name: _Place(levels[stage.name], min(over), max(over))
        for stage in stages
        for over in [columns[stage.name]]
    }


def _columns(stages: Sequence[Stage]) -> dict[str, list[int]]:
    """Return the columns that each stage's box covers."""
    inputs = [stage.name for stage in stages if not stage.inputs]
    tracks: dict[str, set[str]] = {}
    fed_by: dict[str, list[int]] = {}
    for stage in stages:
        before = {track for name in stage.inputs for track in tracks.get(name, ())}
        if stage.inputs and (not before or (stage.goes_up and _WAY_UP not in before)):
            before = {_WAY_UP if stage.goes_up else stage.name}
            (track,) = before
            fed_by[track] = [inputs.index(name) for name in stage.inputs if name in inputs]
        elif stage.goes_up:
            before = {_WAY_UP}
        tracks[stage.name] = before
    # Those that see the first input come first, a way up beside its way down.
    order = sorted(fed_by, key=lambda t: sum(fed_by[t]) / len(fed_by[t]) if fed_by[t] else 0.0)
    columns = {name: sorted(order.index(track) for track in tracks[name]) for name in tracks}
    for name in inputs:
        fed = [stage for stage in stages if name in stage.inputs]
        alone = [stage for stage in fed if stage.inputs == (name,)] or fed
        columns[name] = columns[alone[0].name][:1] if alone else [0]
    return columns


def _draw_box(figure: go.Figure, stage: Stage, place: _Place, *, share: float) -> None:
    figure.add_shape(
        type="rect",
        x0=place.left,
        x1=place.right,
        y0=place.top,
        y1=place.bottom,
        line={"color": GUIDE_COLOR, "width": 1},
        fillcolor=_box_color(share),
        layer="below",
    )
    lines = [f"<b>{_own_name(stage)}</b>", _made_of(stage)]
    if stage.sub_model:
        lines.insert(0, stage.sub_model)
    if stage.multiply_adds:
        lines.append(f"{short_count(stage.multiply_adds)} mult-adds")
    figure.add_annotation(
        x=place.x,
        y=place.level,
        text="<br>".join(lines),
        showarrow=False,
        font={"size": NOTE_SIZE, "color": INK},
    )


def _box_color(share: float) -> str:
    """Return the colour of a box with a share in [0, 1] of the greatest cost."""
    low, high = _BOX_COLORS
    mixed = (round(a + share * (b - a)) for a, b in zip(low, high, strict=True))
    return f"rgb({','.join(map(str, mixed))})"


def _draw_arrow(figure: go.Figure, source: _Place, target: _Place) -> None:
    covered = target.column <= source.column <= target.last_column
    start: tuple[float, float]
    end: tuple[float, float]
    if source.level == target.level:
        start, end = (source.right, source.level), (target.left, target.level)
    elif target.level > source.level:
        start, end = (source.x, source.bottom), (source.x if covered else target.x, target.top)
    elif covered:
        start, end = (source.x, source.top), (source.x, target.bottom)
    else:
        # Round the corner: to the side, then up.
        start, end = (target.x, source.level), (target.x, target.bottom)
        figure.add_shape(
            type="line",
            x0=source.right,
            y0=source.level,
            x1=start[0],
            y1=start[1],
            line={"color": GUIDE_COLOR, "width": 1.5},
        )
    figure.add_annotation(
        ax=start[0],
        ay=start[1],
        x=end[0],
        y=end[1],
        axref="x",
        ayref="y",
        text="",
        arrowhead=2,
        arrowwidth=1.5,
        arrowcolor=GUIDE_COLOR,
    )
