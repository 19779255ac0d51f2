"""Views of a video: expressions of all people as strips over time, and one person's probabilities."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.drawing import UNCLEAR_COLOR
from fer_core.expressions import COLORS, Expression
from fer_core.networks.levels import Level, in_words, level_of
from fer_core.palette import GUIDE_COLOR
from fer_core.video.analysis import VideoAnalysis, longest_gap
from fer_core.views.plots import thinned
from fer_core.views.style import FIXED_LEGEND, lay_out, new_figure, new_panels, pale
from fer_core.views.view import View

_PANEL_HEIGHT: Final = 210
#: Between two panels, for the lower one's title.
_GAP: Final = 48
_TOP: Final = 32
#: For the axis title and the legend, which wraps on a phone.
_BOTTOM: Final = 156
#: The same for the people's strips.
_LEGEND: Final = 104
#: Where the strip lies above the lines, in percent, and how high it is.
_STRIP: Final = 113
_STRIP_HEIGHT: Final = 12
#: Of the point that shows which one was clicked.
_CLICK_SIZE: Final = 7
#: Of the people's strips, in shares of a row and in pixels.
_ROW_STRIP: Final = 0.72
_ROW_HEIGHT: Final = 34
#: People in one figure, those who were seen most.
MOST_PEOPLE: Final = 24
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


def people_view(analysis: VideoAnalysis, network: str) -> View:
    """Return all people's expressions over time by one network, one row per person.

    Each mark's `customdata` begins with the number of its first frame and the person's number.

    Args:
        analysis: of the video; somebody was seen in it.
        network: name of the network's bundle.
    """
    tracks = analysis.tracks
    people = sorted(list(tracks)[:MOST_PEOPLE])
    parts = []
    for track in people:
        data = _data(analysis, track, {})
        found = _stretches(data[data["network"] == network].reset_index(drop=True), analysis)
        found.insert(0, "person", track)
        parts.append(found)
    stretches = pd.concat(parts, ignore_index=True)
    names = {track: f"Person {track}" for track in people}
    figure = new_figure()
    figure.add_traces(
        _bars(stretches, y=[names[track] for track in stretches["person"]], width=_ROW_STRIP)
    )
    _add_legend(figure, stretches)
    lay_out(figure, height=_TOP + len(people) * _ROW_HEIGHT + _LEGEND, x="Time (s)")
    figure.update_layout(
        margin={"l": 8, "r": 12, "t": _TOP, "b": _LEGEND},
        barmode="overlay",
        legend=FIXED_LEGEND,
    )
    figure.update_xaxes(range=[0, _end(analysis)], showgrid=True)
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(names.values()),
        range=[len(people) - 0.5, -0.5],
        autorange=False,
        showgrid=False,
    )
    left_out = len(tracks) - len(people)
    return View(
        name="timeline",
        title="Everybody over time",
        figure=figure,
        reading="Pale bars are probable predictions, hatched ones unclear; gaps: not in view."
        + (f" The {len(people)} people seen most, of {len(tracks)}." if left_out else ""),
        data=stretches.rename(columns={"start": "from (s)", "end": "to (s)"}),
    )


def timeline_view(
    analysis: VideoAnalysis, track: int, *, titles: Mapping[str, str] | None = None
) -> View:
    """Return a person's smoothed probabilities over time, a panel per network.

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
    """Return a row per frame and network: words, expression, level and a column of percent per class."""
    rows = []
    for frame, place in analysis.of_track(track):
        for name, prediction in frame.smoothed[place].items():
            rows.append(
                {
                    "time (s)": round(frame.time_s, 3),
                    "frame": frame.number,
                    "network": titles.get(name, name),
                    "answer": in_words(prediction),
                    "expression": str(prediction.expression),
                    "level": str(level_of(prediction)),
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
        stretches = _stretches(part, analysis)
        figure.add_traces(
            _bars(stretches, y=[_STRIP] * len(stretches), width=_STRIP_HEIGHT), rows=row, cols=1
        )
    figure.update_annotations(x=0, xanchor="left")
    figure.update_xaxes(title="Time (s)", row=n, col=1)
    lay_out(figure, height=_TOP + inner + _BOTTOM)
    figure.update_layout(
        # Fixed, so that the panels of two people can be compared.
        margin={"l": 56, "r": 12, "t": _TOP, "b": _BOTTOM},
        barmode="overlay",
        legend=FIXED_LEGEND,
    )
    figure.update_xaxes(range=[0, _end(analysis)])
    figure.update_yaxes(
        range=[0, _STRIP + _STRIP_HEIGHT / 2],
        tickvals=[0, 25, 50, 75, 100],
        ticktext=["0", "25", "50", "75", "100%"],
    )
    return figure


def _bars(stretches: pd.DataFrame, y: list[Any], width: float) -> list[go.Bar]:
    """Return stretches of time as coloured bars, a trace per expression and level.

    Args:
        stretches: of `_stretches`, also with a column `person`.
        y: where each lies.
        width: of each, in units of y.
    """
    placed = stretches.assign(y=y)
    if "person" not in placed:
        placed["person"] = 0
    bars = []
    kinds = sorted(set(zip(placed["level"], placed["expression"], strict=True)))
    for level, expression in kinds:
        part = placed[(placed["level"] == level) & (placed["expression"] == expression)]
        is_clear = level != Level.UNCLEAR
        bars.append(
            go.Bar(
                x=part["end"] - part["start"],
                base=part["start"],
                y=part["y"],
                width=width,
                orientation="h",
                showlegend=False,
                legendgroup=expression if is_clear else level,
                marker=_look(level, Expression(expression)),
                customdata=part[["frame", "person", "start", "end", "words"]],
                hovertemplate="%{customdata[4]}<br>"
                "%{customdata[2]:.1f} to %{customdata[3]:.1f} s<extra></extra>",
                # A click does not change the look of points.
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
        )
    return bars


def _look(level: str, expression: Expression) -> dict[str, Any]:
    """Return Plotly's settings of a mark: the expression's colour, pale if probable, hatched if unclear."""
    if level == Level.UNCLEAR:
        return {
            "color": UNCLEAR_COLOR,
            "pattern": {"shape": "/", "fgcolor": GUIDE_COLOR},
            "line": {"width": 0},
        }
    color = COLORS[expression]
    is_probable = level == Level.PROBABLE
    return {
        "color": pale(color) if is_probable else color,
        "line": {"color": color, "width": 1 if is_probable else 0},
    }


def _add_legend(figure: go.Figure, stretches: pd.DataFrame) -> None:
    """Add legend entries for the colours of the occurring expressions and for the hatching."""
    clear = set(stretches.loc[stretches["level"] != Level.UNCLEAR, "expression"])
    entries = [
        (str(label).capitalize(), label, Level.CONFIDENT) for label in _RANKS if label in clear
    ]
    if (stretches["level"] == Level.UNCLEAR).any():
        entries.append((str(Level.UNCLEAR).capitalize(), Expression.NEUTRAL, Level.UNCLEAR))
    for name, label, level in entries:
        group = str(level if level is Level.UNCLEAR else label)
        figure.add_bar(
            x=[None],
            y=[None],
            name=name,
            marker=_look(level, label),
            legendgroup=group,
            showlegend=True,
        )


def _end(analysis: VideoAnalysis) -> float:
    """Return the end of the last frame in seconds."""
    return analysis.frames[-1].time_s + 1 / analysis.sampled_rate


def _stretches(part: pd.DataFrame, analysis: VideoAnalysis) -> pd.DataFrame:
    """Return the intervals in which a network's prediction in words stays the same.

    Args:
        part: of `_data`, the rows of one network, indexed from 0.
        analysis: of the video.

    Returns:
        Columns `words`, `expression`, `level`, `frame` (the first one), `start` and `end` in seconds.
    """
    starts = part["time (s)"].to_numpy(float)
    # A prediction holds until the next one, or for as long as a frame where the face was gone then.
    following = np.append(starts[1:], np.inf)
    seen_on = following - starts <= longest_gap(analysis.sampled_rate)
    ends = np.where(seen_on, following, starts + 1 / analysis.sampled_rate)
    words = part["answer"].to_numpy()
    is_first = np.append(True, (words[1:] != words[:-1]) | ~seen_on[:-1])
    is_last = np.append(is_first[1:], True)
    return pd.DataFrame(
        {
            "words": [text.capitalize() for text in words[is_first]],
            "expression": part["expression"].to_numpy()[is_first],
            "level": part["level"].to_numpy()[is_first],
            "frame": part["frame"].to_numpy()[is_first],
            "start": starts[is_first],
            "end": ends[is_last],
        }
    )


def _lines(part: pd.DataFrame, analysis: VideoAnalysis) -> list[go.Scatter]:
    """Return one line per class, with gaps where the face was gone; frequent classes on top."""
    chosen = thinned(len(part))
    times = part["time (s)"].to_numpy(float)
    # Counts the gaps before each point, so that none is lost where a long video's points are thinned.
    gaps_before = np.cumsum(np.diff(times, prepend=times[0]) > longest_gap(analysis.sampled_rate))
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
        f"Smoothed with a time constant of {analysis.smoothing_s:g} s."
        if analysis.smoothing_s
        else "Not smoothed."
    )
    return (
        f"{times['size']:.0f} frames from {times['min']:.1f} to {times['max']:.1f} s, "
        f"{analysis.sampled_rate:g} per second. {smoothed}"
    )
