"""The start and the duration of a video's pictures.

A file's own length is that of its longest stream, so sound and subtitles that go on after the last picture
count, and so does the time before a picture stream that starts late. Some formats say how long each stream
is. In the others, Matroska above all, the packets tell.
"""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from fer_core.content import packets_of

#: FFmpeg's names of the formats that say when each stream begins and how long it is.
_SAYING: Final = frozenset({"mov", "avi", "gif", "apng"})
#: In this one it is made shorter by FFmpeg if only a part of the file is there; the number of frames is not.
_SHORTENED: Final = "avi"
#: In this one FFmpeg gives the end of each stream for its length.
_ENDS: Final = "asf"
#: In Matroska, when a stream ends.
_TAG: Final = "DURATION"
_TAG_FORM: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
#: Assumed where a file says nothing of its rate.
_USUAL_RATE: Final = 25.0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The time span of a video's pictures.

    Attributes:
        start_s: when the first one is shown, in seconds of the file's clock.
        seconds: from then to the end of the last one; what the file says where it is cut short.
        n_frames: how many there are, about.
    """

    start_s: float
    seconds: float
    n_frames: int


def frame_seconds(stream: VideoStream) -> float:
    """Return the mean duration of a frame in seconds."""
    return 1 / float(stream.average_rate or _USUAL_RATE)


def in_seconds(ticks: int | None, time_base: Fraction | None) -> float:
    """Return a time or duration of FFmpeg in seconds; 0 for None."""
    return float(ticks * time_base) if ticks and time_base else 0.0


def is_cut_short(reached_s: float, said_s: float) -> bool:
    """Return whether a video ends earlier than it should."""
    return said_s - reached_s > max(0.5, 0.02 * said_s)


def said_timeline(container: InputContainer, stream: VideoStream) -> Timeline | None:
    """Return the timeline that a file declares; None if it must be measured by its packets."""
    formats = container.format.name.split(",")
    if _SAYING.isdisjoint(formats) or stream.start_time is None or not stream.duration:
        return None
    seconds = in_seconds(stream.duration, stream.time_base)
    if _SHORTENED in formats:
        seconds = max(seconds, stream.frames * frame_seconds(stream))
    return Timeline(
        start_s=in_seconds(stream.start_time, stream.time_base),
        seconds=seconds,
        n_frames=stream.frames or round(seconds / frame_seconds(stream)),
    )


def measured_timeline(
    container: InputContainer, stream: VideoStream, *, most_seconds: float, most_frames: int
) -> Timeline:
    """Return the timeline measured from a file's packets, without decoding them.

    Args:
        container: at its beginning; afterwards it is at its end.
        stream: of the pictures.
        most_seconds: a longer video is not read on; its timeline says more than this.
        most_frames: the same for frames.
    """
    start, end, end_of_all, count = math.inf, 0.0, 0.0, 0
    # What lies behind damage that stops FFmpeg here is not reached when the frames are read, either.
    with suppress(av.FFmpegError, OSError):
        for packet in packets_of(container):
            if packet.pts is None:
                continue
            time_s = in_seconds(packet.pts, packet.time_base)
            length = in_seconds(packet.duration, packet.time_base)
            end_of_all = max(end_of_all, time_s + length)
            if packet.stream.index != stream.index:
                continue
            start, count = min(start, time_s), count + 1
            end = max(end, time_s + (length or frame_seconds(stream)))
            if count > most_frames or end - start > most_seconds:
                break
    if not count:
        return Timeline(0.0, 0.0, 0)
    said, reached = _end_in_tag(stream.metadata), end
    if said is None:
        # It may be the end of another stream. In a file that is cut short, none gets there.
        said, reached = _said_end(container, stream), max(end, end_of_all)
    if is_cut_short(reached, said):
        end = said
    return Timeline(start, end - start, count)


def _said_end(container: InputContainer, stream: VideoStream) -> float:
    """Return the declared end of the file; 0 without one."""
    if container.format.name == _ENDS:
        return in_seconds(stream.duration, stream.time_base)
    return (container.duration or 0) / av.time_base


def _end_in_tag(metadata: Mapping[str, str]) -> float | None:
    found = _TAG_FORM.fullmatch(metadata.get(_TAG, ""))
    if found is None:
        return None
    hours, minutes, seconds = map(float, found.groups())
    return 3600 * hours + 60 * minutes + seconds
