"""The view of a person in a video: each network's answer as a strip, and its probabilities over time."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.drawing import UNCLEAR_COLOR
from fer_core.expressions import COLORS, Expression
from fer_core.video.analysis import VideoAnalysis, longest_gap
from fer_core.views.plots import thinned
from fer_core.views.style import FIXED_LEGEND, GUIDE_COLOR, lay_out, new_panels
from fer_core.views.view import View

_PANEL_HEIGHT: Final = 210
#: Between two panels, for the lower one's title.
_GAP: Final = 48
_TOP: Final = 32
#: For the axis title and the legend, which wraps on a phone.
_BOTTOM: Final = 156
#: Where the strip lies above the lines, in percent, and how high it is.
_STRIP: Final = 113
_STRIP_HEIGHT: Final = 12
#: Of the point that shows which one was clicked.
_CLICK_SIZE: Final = 7
NOT_SURE: Final = "not sure"
_PERCENT: Final = " (%)"
#: Beside the colours, so that no two lines differ by colour alone.
_DASHES: Final = {
    Expression.ANGRY: "solid",
    Expression.DISGUST: "dot",
    Expression.FEAR: "dashdot",
    Expression.HAPPY: "12px,2px",
    Expression.SAD: "dash",
    Expression.SURPRISE: "4px,4px",
    Expression.NEUTRAL: "12px,3px,3px,3px",
    Expression.CONTEMPT: "6px,2px",
}
#: The legend's order, whichever line is drawn first.
_RANKS: Final = {label: rank for rank, label in enumerate(_DASHES, start=1)}


def timeline_view(
    analysis: VideoAnalysis, track: int, *, titles: Mapping[str, str] | None = None
) -> View:
    """Return a person's smoothed probabilities over time, a panel a network.

    The first value of each mark's `customdata` is the number of its frame, the first one of a stretch.

    Args:
        analysis: of the video.
        track: the person's number, one of the analysis' tracks.
        titles: what networks are called, by the names of their bundles; by default by these.
    """
    data = _data(analysis, track, titles or {})
    return View(
        name=f"timeline-person-{track}",
        title=f"Person {track} over time",
        figure=_figure(data, analysis),
        reading=_reading(data, analysis),
        data=data,
    )


def _data(analysis: VideoAnalysis, track: int, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return a row a frame and network: answer, confidence and a column of percent a class."""
    rows = []
    for frame, place in analysis.of_track(track):
        for name, prediction in frame.smoothed[place].items():
            rows.append(
                {
                    "time (s)": round(frame.time_s, 3),
                    "frame": frame.number,
                    "network": titles.get(name, name),
                    "answer": NOT_SURE if prediction.abstained else str(prediction.expression),
                    **{
                        f"{label}{_PERCENT}": round(100 * float(p), 2)
                        for label, p in zip(
                            prediction.labels, prediction.probabilities, strict=True
                        )
                    },
                }
            )
    return pd.DataFrame(rows)


def _figure(data: pd.DataFrame, analysis: VideoAnalysis) -> go.Figure:
    networks = data["network"].drop_duplicates().tolist()
    n = len(networks)
    inner = n * _PANEL_HEIGHT + (n - 1) * _GAP
    figure = new_panels(
        rows=n,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=_GAP / inner,
        subplot_titles=networks,
    )
    in_legend: set[str] = set()
    for row, network in enumerate(networks, start=1):
        part = data[data["network"] == network].reset_index(drop=True)
        for line in _lines(part, analysis):
            line.showlegend = line.name not in in_legend
            in_legend.add(line.name)
            figure.add_trace(line, row=row, col=1)
        figure.add_traces(_strip(part, analysis), rows=row, cols=1)
    figure.update_annotations(x=0, xanchor="left")
    figure.update_xaxes(title="Time (s)", row=n, col=1)
    lay_out(figure, height=_TOP + inner + _BOTTOM, y="Probability (%)")
    figure.update_layout(
        # Fixed, so that the panels of two people can be compared.
        margin={"l": 56, "r": 12, "t": _TOP, "b": _BOTTOM},
        barmode="overlay",
        legend=FIXED_LEGEND,
    )
    end = analysis.frames[-1].time_s + 1 / analysis.rate
    figure.update_xaxes(range=[0, end])
    figure.update_yaxes(
        range=[0, _STRIP + _STRIP_HEIGHT / 2],
        tickvals=[0, 25, 50, 75, 100],
    )
    return figure


def _strip(part: pd.DataFrame, analysis: VideoAnalysis) -> list[go.Bar]:
    """Return a network's answers as coloured stretches of time, a trace an answer."""
    bars = []
    found = _stretches(part, analysis)
    for answer in found["answer"].unique().tolist():
        stretches = found[found["answer"] == answer]
        sure = answer != NOT_SURE
        bars.append(
            go.Bar(
                x=stretches["end"] - stretches["start"],
                base=stretches["start"],
                y=[_STRIP] * len(stretches),
                width=_STRIP_HEIGHT,
                orientation="h",
                showlegend=False,
                marker={
                    "color": COLORS[Expression(answer)] if sure else UNCLEAR_COLOR,
                    "pattern": {"shape": "" if sure else "/", "fgcolor": GUIDE_COLOR},
                    "line": {"width": 0},
                },
                customdata=stretches[["frame", "start", "end"]],
                hovertemplate=f"{answer.capitalize()}<br>"
                "%{customdata[1]:.1f} to %{customdata[2]:.1f} s<extra></extra>",
                unselected={"marker": {"opacity": 1}},
            )
        )
    return bars


def _stretches(part: pd.DataFrame, analysis: VideoAnalysis) -> pd.DataFrame:
    """Return from when to when a network gave the same answer: columns answer, frame, start, end."""
    starts = part["time (s)"].to_numpy(float)
    # An answer holds until the next one, or for as long as a frame where the face was gone then.
    following = np.append(starts[1:], np.inf)
    seen_on = following - starts <= longest_gap(analysis.rate)
    ends = np.where(seen_on, following, starts + 1 / analysis.rate)
    answers = part["answer"].to_numpy()
    is_first = np.append(True, (answers[1:] != answers[:-1]) | ~seen_on[:-1])
    is_last = np.append(is_first[1:], True)
    return pd.DataFrame(
        {
            "answer": answers[is_first],
            "frame": part["frame"].to_numpy()[is_first],
            "start": starts[is_first],
            "end": ends[is_last],
        }
    )


def _lines(part: pd.DataFrame, analysis: VideoAnalysis) -> list[go.Scatter]:
    """Return a line a class, broken where the face was gone, the often likely classes on top."""
    chosen = thinned(len(part))
    times = part["time (s)"].to_numpy(float)
    # Counts the gaps before each point, so that none is lost where a long video's points are thinned.
    gaps_before = np.cumsum(np.diff(times, prepend=times[0]) > longest_gap(analysis.rate) + 1e-6)
    gaps = np.flatnonzero(np.diff(gaps_before[chosen])) + 1
    shown, times = part.iloc[chosen], times[chosen]
    columns = [column for column in part.columns if column.endswith(_PERCENT)]
    lines = []
    for column in shown[columns].mean().sort_values().index:
        label = Expression(column.removesuffix(_PERCENT))
        lines.append(
            go.Scatter(
                x=np.insert(times, gaps, np.nan),
                y=np.insert(shown[column].to_numpy(float), gaps, np.nan),
                customdata=np.insert(shown["frame"].to_numpy(float), gaps, np.nan),
                # A line by itself cannot be clicked, and one point has no line.
                mode="lines+markers",
                marker={"size": _CLICK_SIZE, "opacity": 0 if len(shown) > 1 else 1},
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 0}},
                line={"color": COLORS[label], "dash": _DASHES[label], "width": 2},
                name=str(label).capitalize(),
                legendgroup=str(label),
                legendrank=_RANKS[label],
                hovertemplate=f"{str(label).capitalize()} %{{y:.0f}}%<br>%{{x:.2f}} s, "
                "frame %{customdata:.0f}<extra></extra>",
            )
        )
    return lines


def _reading(data: pd.DataFrame, analysis: VideoAnalysis) -> str:
    times = data.groupby("network")["time (s)"].agg(["min", "max", "size"]).iloc[0]
    smoothed = (
        f"Each line is smoothed over time by what came before, with a time constant of "
        f"{analysis.smoothing_s:g} s, so that it follows a change a little late"
        if analysis.smoothing_s
        else "Nothing is smoothed: each point is one frame by itself"
    )
    return (
        "The strip shows which expression a network names and when, hatched where it is not sure; the lines "
        "below it show how probable it finds each. The number stands for a face that was followed from frame "
        f"to frame; who left for more than {longest_gap(analysis.rate):g} s, or was seen before a cut, has "
        f"another one. {smoothed}. {times['size']:.0f} frames from {times['min']:.1f} to "
        f"{times['max']:.1f} s, at {analysis.rate:g} a second."
    )
