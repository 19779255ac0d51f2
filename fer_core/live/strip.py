"""The strip of a live camera: each network's probabilities over the last seconds, as HTML with SVG in it.

Not Plotly: Streamlit makes a new chart of each changed figure, which flickers when it changes every second.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np

from fer_core.expressions import COLORS, Expression

#: Units of the drawing, which is stretched to the room that there is: its width; its height is 100 %.
_WIDTH: Final = 300.0
#: For how long an answer holds at most: where the camera stops, its last one must not go on.
_HOLD_SECONDS: Final = 1.0


def strip_html(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    labels: Sequence[Expression],
    *,
    now: float,
    seconds: float,
) -> str:
    """Return each network's probabilities, stacked to 100 %, with axes and a legend.

    Args:
        series: float (N,) times and float (N, classes) probabilities, NaN where no face was seen, by the
            title of the network.
        labels: the classes, in the order of the probabilities.
        now: the time at the right end, by the same clock.
        seconds: how far the strip reaches back.
    """
    parts = [
        f'<div class="title">{escape(title)}</div><div class="part">'
        '<div class="percent"><span>100 %</span><span>50</span><span>0</span></div>'
        f'<svg viewBox="0 0 {_WIDTH:g} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Probability of each expression by {escape(title)}, last {seconds:g} seconds">'
        f"{''.join(_areas(*values, labels, now=now, seconds=seconds))}"
        f'<path class="grid" d="M0 0H{_WIDTH:g}M0 50H{_WIDTH:g}M0 100H{_WIDTH:g}"/></svg></div>'
        for title, values in series.items()
    ]
    ticks = "".join(f"<span>{seconds * (3 - i) / 3:g}</span>" for i in range(3))
    legend = "".join(
        f'<span><i style="background:{COLORS[label]}"></i>{str(label).capitalize()}</span>'
        for label in labels
    )
    return (
        f'{"".join(parts)}<div class="seconds">{ticks}<span>now</span></div>'
        f'<div class="axis">seconds ago</div><div class="legend">{legend}</div>'
    )


def _areas(
    times: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[Expression],
    *,
    now: float,
    seconds: float,
) -> list[str]:
    """Return each class's area, in steps from an answer to the next; nothing where no face was seen."""
    if not probabilities.size:
        return []
    ends = np.minimum(np.append(times[1:], now), times + _HOLD_SECONDS)
    edges = np.stack([times, ends], axis=1).ravel()
    x = np.clip(_WIDTH * (1 - (now - edges) / seconds), 0, _WIDTH)
    # Where no face was seen all areas have no height.
    bounds = 100 - 100 * np.cumsum(np.nan_to_num(probabilities), axis=1).clip(0, 1)
    ground = np.full((len(times), 1), 100.0)
    unseen = np.isnan(probabilities).all(axis=1)
    bounds[unseen] = 100
    levels = np.repeat(np.concatenate([ground, bounds], axis=1), 2, axis=0)
    areas = []
    for i, label in enumerate(labels):
        lower, upper = levels[:, i], levels[:, i + 1]
        if (lower - upper).max() >= 0.5:
            outline = [*zip(x, upper, strict=True), *reversed([*zip(x, lower, strict=True)])]
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in outline)
            areas.append(f'<polygon fill="{COLORS[label]}" points="{points}"/>')
    return areas
