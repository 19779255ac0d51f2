"""Output formats of a video's analysis: JSON per frame, CSV per face, CSV of events, CSV per person."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns
from fer_core.files import readable_name
from fer_core.networks.classifier import Prediction
from fer_core.networks.levels import Level, level_of
from fer_core.records import (
    FACE_COLUMNS,
    face_cells,
    measure_columns,
    prediction_cells,
    prediction_columns,
    table_lines,
    to_record,
)
from fer_core.video.analysis import FrameAnalysis, VideoAnalysis, longest_gap
from fer_core.video.events import Event

_TIME_DIGITS: Final = 3
_EVENT_COLUMNS: Final = ("time_s", "track", "network", "from", "to")
_SHARE_DIGITS: Final = 4
#: Of a summary, before those of the expressions.
_SUMMARY_COLUMNS: Final = ("track", "network", "frames", "seconds", *map(str, Level))


def frame_record(
    path: str, frame: FrameAnalysis, *, columns: FaceColumns = FaceColumns.BASIC
) -> dict[str, Any]:
    """Return the JSON object of one frame: that of a photo, with the time and each face's person.

    A face has `predictions`, on this frame alone, and `smoothed`, in view of those before.
    """
    alone = to_record(path, frame.analysis, columns=columns)
    smoothed = to_record(path, frame.shown)
    faces = [
        {"track": track, **face, "smoothed": after["predictions"]}
        for track, face, after in zip(frame.tracks, alone["faces"], smoothed["faces"], strict=True)
    ]
    return {
        "path": alone["path"],
        "time_s": round(frame.time_s, _TIME_DIGITS),
        "frame": frame.number,
        **{key: alone[key] for key in ("width", "height")},
        "faces": faces,
        "events": [event_record(event) for event in frame.events],
        **{key: alone[key] for key in ("seconds", "error")},
    }


def error_record(path: str, message: str) -> dict[str, Any]:
    """Return the JSON object of a video that could not be read."""
    nothing = dict.fromkeys(("time_s", "frame", "width", "height"))
    found: dict[str, Any] = {"faces": [], "events": [], "seconds": None}
    return {"path": readable_name(path), **nothing, **found, "error": message}


def event_record(event: Event) -> dict[str, Any]:
    """Return the JSON object of a change of expression."""
    values = (
        round(event.time_s, _TIME_DIGITS),
        event.track,
        event.network,
        str(event.before),
        str(event.after),
    )
    return dict(zip(_EVENT_COLUMNS, values, strict=True))


def video_record(
    path: str, analysis: VideoAnalysis, *, columns: FaceColumns = FaceColumns.BASIC
) -> dict[str, Any]:
    """Return the JSON object of a whole video."""
    return {
        "path": readable_name(path),
        "duration_s": round(analysis.info.seconds, _TIME_DIGITS),
        "codec": analysis.info.codec,
        "frames_per_second": analysis.sampled_rate,
        "smoothing_s": analysis.smoothing_s,
        "note": analysis.note,
        "events": [event_record(event) for event in analysis.events],
        "frames": [
            # The part that all of them share is above.
            {
                key: value
                for key, value in frame_record(path, frame, columns=columns).items()
                if key not in ("path", "events", "error")
            }
            for frame in analysis.frames
        ],
    }


def frames_csv(
    records: Iterable[Mapping[str, Any]],
    labels: Mapping[str, Iterable[Expression]],
    *,
    columns: FaceColumns = FaceColumns.BASIC,
) -> Iterator[str]:
    """Yield a CSV table in parts: the header, then the rows of each frame's JSON object.

    A row is a face; `track` is 0 in the one row of a frame without a face, or of a video with an error. Of
    each network come its prediction and probabilities on the frame alone, then the same smoothed.

    Args:
        records: of `frame_record` and `error_record`.
        labels: the classes of each network that was asked, by the name of its bundle.
        columns: that the records have.
    """
    names = ["path", "time_s", "frame", "track", *FACE_COLUMNS]
    for name, classes in labels.items():
        names += prediction_columns(name, classes) + prediction_columns(f"{name}_smoothed", classes)
    return table_lines([*names, *measure_columns(columns), "error"], records, _rows)


def events_csv(events: Iterable[Event]) -> str:
    """Return the changes of expression as a CSV table."""
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=_EVENT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(event_record(event) for event in events)
    return table.getvalue()


def summary_rows(analysis: VideoAnalysis) -> list[dict[str, Any]]:
    """Return the totals of each person by each network, in the order of `VideoAnalysis.tracks`.

    A smoothed prediction counts from its frame to the person's next one; where the person is out of sight
    then, for as long as a frame. Unclear predictions count for no expression.

    Returns:
        Objects of `track`, `network`, `frames`, `seconds` (in view), and shares of these seconds in [0, 1].
        Those of the levels `confident`, `probable` and `unclear` sum to 1. Those of the network's expressions
        sum to 1 with `unclear`.
    """
    rows = []
    for track in analysis.tracks:
        seen = analysis.of_track(track)
        seconds = _seconds_of([frame.time_s for frame, _ in seen], analysis.sampled_rate)
        for network in seen[0][0].smoothed[seen[0][1]]:
            predictions = [frame.smoothed[place][network] for frame, place in seen]
            head = {"track": track, "network": network, "frames": len(seen)}
            rows.append(head | _totals(predictions, seconds))
    return rows


def summary_csv(analysis: VideoAnalysis) -> str:
    """Return `summary_rows` as a CSV table, empty where a network does not know an expression."""
    rows = summary_rows(analysis)
    known = [str(label) for label in Expression if any(str(label) in row for row in rows)]
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=[*_SUMMARY_COLUMNS, *known], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()


def _seconds_of(times: Sequence[float], rate: float) -> list[float]:
    """Return for how many seconds each frame of a person counts.

    Args:
        times: of the frames, ascending.
        rate: mean frames per second.
    """
    gap = longest_gap(rate)
    lengths = [after - before for before, after in itertools.pairwise(times)]
    return [length if length <= gap else 1 / rate for length in lengths] + [1 / rate]


def _totals(predictions: Sequence[Prediction], seconds: Sequence[float]) -> dict[str, float]:
    """Return the seconds of one network's predictions, and the shares of levels and expressions in them."""
    labels = predictions[0].labels
    sums = dict.fromkeys([*map(str, Level), *map(str, labels)], 0.0)
    for prediction, length in zip(predictions, seconds, strict=True):
        level = level_of(prediction)
        sums[level] += length
        if level is not Level.UNCLEAR:
            sums[prediction.expression] += length
    total = sum(seconds)
    shares = {name: round(value / total, _SHARE_DIGITS) for name, value in sums.items()}
    return {"seconds": round(total, _TIME_DIGITS)} | shares


def _rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    frame = {key: record[key] for key in ("path", "time_s", "frame", "error")}
    rows = []
    for face in record["faces"]:
        row = frame | {"track": face["track"]} | face_cells(face)
        for suffix, predictions in (("", face["predictions"]), ("_smoothed", face["smoothed"])):
            for name, prediction in predictions.items():
                row |= prediction_cells(f"{name}{suffix}", prediction)
        rows.append(row)
    return rows or [frame | {"track": 0}]
