"""A search's figures: the settings of its trials, and the best result over time."""

import json
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pandas.api.types import is_numeric_dtype
from plotly.colors import sample_colorscale

from fer_core.data_names import data_name
from fer_core.listing import listed
from fer_core.palette import BLUE, GUIDE_COLOR, VERMILION
from fer_core.studies.plans import SearchPlan, SearchResults
from fer_core.views.style import add_label, lay_out, new_figure
from fer_core.views.view import View

#: From the worst trial to the best; every shade stands out from both themes.
_SCALE: Final = [[0, VERMILION], [0.5, GUIDE_COLOR], [1, BLUE]]
#: Pixels between the axes of two settings.
_AXIS_STEP: Final = 76
#: How far from its axis, in axes, the name of a setting and its values are written.
_TEXT_OFFSET: Final = 0.12


def paths_view(results: SearchResults) -> View:
    """Return all trials as lines through parallel axes, one per setting, coloured by their result.

    The axes lie, one below the other, so that they can be read in a narrow window.
    """
    plan, trials = results.plan, results.trials
    scores = _scores(results)
    shares = _positions(scores, log=False)[0].to_numpy()
    if not plan.greater_is_better:
        shares = 1 - shares
    figure = new_figure()
    axes = [*plan.values, plan.objective]
    columns = {name: trials[name] for name in plan.values} | {plan.objective: scores}
    placed = {
        name: _positions(values, log=name in plan.log_values) for name, values in columns.items()
    }
    # The best is drawn last, above the others.
    for i in np.argsort(shares, kind="stable"):
        texts = [f"{name}: {_text(columns[name].iloc[i])}" for name in axes]
        figure.add_scatter(
            x=[placed[name][0].iloc[i] for name in axes],
            y=list(range(len(axes))),
            mode="lines+markers",
            line={
                "color": sample_colorscale(_SCALE, float(shares[i]))[0],
                "width": 4 if shares[i] == 1 else 1.5,
            },
            # Pale, so that what is written along the axes stays legible.
            opacity=1 if shares[i] == 1 else 0.45,
            marker={"size": 9 if shares[i] == 1 else 6},
            name=f"trial {trials['trial'].iloc[i]}",
            text=texts,
            hovertemplate="%{text}<extra>%{fullData.name}</extra>",
        )
    for place, name in enumerate(axes):
        title = _objective_title(plan) if name == plan.objective else name
        _draw_axis(figure, place, title, placed[name][1])
    lay_out(figure, height=_AXIS_STEP * len(axes) + 40)
    figure.update_layout(showlegend=False)
    hidden = {"showgrid": False, "showticklabels": False}
    figure.update_xaxes(range=[-0.02, 1.02], **hidden)
    figure.update_yaxes(range=[len(axes) - 0.5, -0.5], **hidden)
    return View(
        name=f"{_slug(plan)}-paths",
        title="Settings and results",
        figure=figure,
        reading=f"One line per trial ({len(trials)}), from orange (worst) to blue (best, drawn thick). A "
        "line crosses each axis at the trial's setting and the last axis at its result, the "
        f"{_objective_words(plan)}. Axes run from the least to the greatest value that was "
        f"tried{_log_words(plan)}. Trials are short runs: they rank settings and do not show the accuracy "
        "of a full run.",
        data=trials[["trial", *plan.values, plan.objective]],
    )


def best_so_far_view(results: SearchResults) -> View:
    """Return the result of each trial in order, and the best so far."""
    plan, trials = results.plan, results.trials
    scores = _scores(results)
    best = scores.cummax() if plan.greater_is_better else scores.cummin()
    number = trials["trial"].astype(int)
    figure = new_figure()
    figure.add_scatter(
        x=number,
        y=scores,
        mode="markers",
        marker={"color": GUIDE_COLOR, "size": 8},
        name="Trial",
        hovertemplate="trial %{x}: %{y:.4~f}<extra></extra>",
    )
    figure.add_scatter(
        x=number,
        y=best,
        mode="lines",
        line={"color": BLUE, "width": 2.5, "shape": "hv"},
        name="Best so far",
        hovertemplate="after trial %{x}: %{y:.4~f}<extra></extra>",
    )
    lay_out(figure, height=340, x="Trial", y=_objective_title(plan))
    figure.update_xaxes(tickformat="d", showgrid=False)
    winner = best.iloc[-1]
    unit = "%" if _is_share(plan) else ""
    return View(
        name=f"{_slug(plan)}-best",
        title="Best so far",
        figure=figure,
        reading=f"Points are trials in order; the line is the best so far. It ends at {winner:.4g}{unit}, "
        f"reached by trial {number[scores == winner].iloc[0]}. Results are the {_objective_words(plan)}. The "
        "scale does not start at 0.",
        data=pd.DataFrame({"trial": number, plan.objective: scores, "best so far": best}),
    )


def trials_table(results: SearchResults) -> pd.DataFrame:
    """Return the trials with display names for the columns, best first."""
    plan = results.plan
    words = {
        "val_loss": "validation loss",
        plan.objective: _objective_title(plan).lower(),
        "n_train": "training rows",
        "code_commit": "commit",
    }
    others = ["val_loss", "epochs", "n_train", "parameters", "seconds", "hardware", "code_commit"]
    # The loss may itself be what trials are compared by.
    columns = dict.fromkeys(["trial", *plan.values, plan.objective, *others])
    table = results.trials[list(columns)]
    table = table.assign(**{plan.objective: _scores(results)})
    table = table.sort_values(
        plan.objective, ascending=not plan.greater_is_better, ignore_index=True
    )
    return table.rename(columns=words)


def _draw_axis(figure: go.Figure, place: int, title: str, ticks: dict[float, str]) -> None:
    """Draw the axis of one setting with its name above and its values below."""
    figure.add_shape(
        type="line", x0=0, x1=1, y0=place, y1=place, layer="below", line={"color": GUIDE_COLOR}
    )
    add_label(
        figure,
        x=0,
        y=place - _TEXT_OFFSET,
        text=f"<b>{title}</b>",
        xanchor="left",
        yanchor="bottom",
    )
    for x, text in ticks.items():
        add_label(
            figure,
            x=x,
            y=place + _TEXT_OFFSET,
            text=text,
            xanchor="left" if x == 0 else "right" if x == 1 else "center",
            yanchor="top",
        )


def _positions(values: pd.Series, *, log: bool) -> tuple[pd.Series, dict[float, str]]:
    """Return the positions of values on an axis from 0 to 1, and its tick labels.

    Words, which are a choice's values as JSON, lie evenly apart.
    """
    if is_numeric_dtype(values):
        scaled = np.log(values) if log else values
        low, high = scaled.min(), scaled.max()
        if low == high:
            return pd.Series(0.5, index=values.index), {0.5: _text(values.iloc[0])}
        return (scaled - low) / (high - low), {0.0: _text(values.min()), 1.0: _text(values.max())}
    choices = sorted(values.unique(), key=_choice_order)
    step = 1 / max(1, len(choices) - 1)
    places = {word: i * step if len(choices) > 1 else 0.5 for i, word in enumerate(choices)}
    return values.map(places), {place: word for word, place in places.items()}


def _choice_order(word: str) -> tuple[str, Any]:
    value = json.loads(word)
    return type(value).__name__, value


def _scores(results: SearchResults) -> pd.Series:
    """Return the values by which trials are compared, in percent if they are shares."""
    scores = results.trials[results.plan.objective]
    return 100 * scores if _is_share(results.plan) else scores


def _is_share(plan: SearchPlan) -> bool:
    return plan.objective == "val_accuracy"


def _objective_name(plan: SearchPlan) -> str:
    return plan.objective.replace("val_", "validation ")


def _objective_title(plan: SearchPlan) -> str:
    return _objective_name(plan).capitalize() + (" (%)" if _is_share(plan) else "")


def _objective_words(plan: SearchPlan) -> str:
    where = listed(data_name(data) for data in plan.measured_on)
    return f"{_objective_name(plan)} on the clean rows of {where}"


def _log_words(plan: SearchPlan) -> str:
    names = listed(plan.log_values)
    return f"; {names} on a log scale" if plan.log_values else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def _slug(plan: SearchPlan) -> str:
    return plan.name.replace("_", "-")
