"""From untrusted bytes to video frames: format, limits, time, rotation and sampling.

The format is told by the first bytes, and FFmpeg is held to it: see `fer_core.content`.
"""

import io
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.video.frame import VideoFrame

from fer_core.closing import Closing
from fer_core.content import (
    CODECS,
    HEAD_BYTES,
    content_of_head,
    open_container,
    packets_of,
    picture_streams,
)
from fer_core.errors import VideoDecodeError
from fer_core.photos.decode import Photo
from fer_core.video import DEFAULT_RATE
from fer_core.video.colors import ColorConverter, forget_unknown_colors
from fer_core.video.cuts import CutFinder
from fer_core.video.pictures import to_photo
from fer_core.video.timeline import (
    Timeline,
    frame_seconds,
    in_seconds,
    is_cut_short,
    measured_timeline,
    said_timeline,
)

MEND: Final = (
    "Use an MP4, MOV, WebM, MKV, AVI, WMV, FLV, MPEG or OGV file, or an animated GIF or PNG."
)
#: Longest video that is read.
MAX_SECONDS: Final = 3600.0
#: Largest frame that is read: 4096x2304 and its like. A decoder keeps some 20 of them.
MAX_MEGAPIXELS: Final = 10
#: Maximum number of decoded frames: one hour at 60 per second.
MAX_FRAMES: Final = 216_000
#: Longest time of decoding without a pause: between two frames that are used, there may be any number.
PAUSE_SECONDS: Final = 0.5

#: A decoder's threads; each keeps frames of its own.
_MAX_THREADS: Final = 4
#: With as many frames between two samples, those that no other frame is built on are not even decoded.
_SPARSE: Final = 8
#: Clocks of containers count milliseconds and less, so a frame may lie a little before its time.
_CLOCK_SECONDS: Final = 0.002


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The video's properties according to its file.

    Attributes:
        seconds: how long its pictures last, from the first to the end of the last; sound and subtitles
            may last longer.
        rate: mean frames per second; None if unknown.
        codec: FFmpeg's name of it.
    """

    seconds: float
    rate: float | None
    codec: str

    def sampled_rate(self, rate: float) -> float:
        """Return the mean frames per second of which at most `rate` are read."""
        return min(rate, self.rate or rate)


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrame:
    """One frame of a video.

    Attributes:
        number: counts the frames that were looked at, from 1.
        time_s: when it is shown, in seconds from the first frame.
        photo: the frame, upright.
        after_cut: whether another scene began since the frame before.
    """

    number: int
    time_s: float
    photo: Photo
    after_cut: bool


class VideoReader(Closing):
    """An open video that is within the limits. Close it, or use it in a `with` block."""

    def __init__(self, content: bytes | Path) -> None:
        """Open a video; nothing is written anywhere.

        Args:
            content: the file's bytes, or its path.

        Raises:
            VideoDecodeError: not a video of a known format, damaged, without frames, or above the limits; one
                or two sentences that name the problem and the mend.
        """
        #: Problems with the part read so far, as a sentence for the user.
        self.note: str | None = None
        self._stack = ExitStack()
        try:
            self._open(content)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and the decoder."""
        self._stack.close()

    def frames(self, rate: float = DEFAULT_RATE) -> Iterator[SampledFrame]:
        """Yield frames in order of time, at most `rate` per second.

        Where the file is damaged or does not end, what could be read is yielded, and `note` says so.

        Args:
            rate: frames per second, above 0.

        Raises:
            VideoDecodeError: not one frame could be read.
        """
        return (frame for frame in self.frames_and_pauses(rate) if frame is not None)

    def frames_and_pauses(self, rate: float = DEFAULT_RATE) -> Iterator[SampledFrame | None]:
        """Yield what `frames` yields, and None after each PAUSE_SECONDS of decoding without such a frame.

        At None the caller can let others work, or stop.
        """
        if not rate > 0:
            raise ValueError(f"rate must be above 0, got {rate}")
        if (self.info.rate or 0) >= _SPARSE * rate:
            self._stream.codec_context.skip_frame = "NONREF"
        cuts, colors = CutFinder(), ColorConverter()
        number, due, after_cut, time_s, end = 0, -math.inf, False, 0.0, 0.0
        worked_since = time.monotonic()
        for decoded in self._decoded():
            if time.monotonic() - worked_since >= PAUSE_SECONDS:
                yield None
                worked_since = time.monotonic()
            if decoded is None:
                continue
            time_s, frame = decoded
            end = time_s + max(in_seconds(frame.duration, frame.time_base), self._frame_seconds)
            after_cut |= cuts.is_cut(frame)
            if time_s + _CLOCK_SECONDS < due:
                continue
            due = (math.floor((time_s + _CLOCK_SECONDS) * rate) + 1) / rate
            number += 1
            yield SampledFrame(
                number, time_s, to_photo(frame, self._stream.sample_aspect_ratio, colors), after_cut
            )
            worked_since, after_cut = time.monotonic(), False
        if not number:
            raise VideoDecodeError(
                "No frame of this video can be read; it may be damaged. Save or download it again."
            )
        if self.note is None and is_cut_short(end + self._frame_seconds, self.info.seconds):
            self.note = (
                f"The video should last {self.info.seconds:.1f} s, but it ends after {time_s:.1f} s: the "
                "file may be cut short."
            )

    def frame_at(self, time_s: float, *, pause: Callable[[], object] | None = None) -> Photo:
        """Return the last frame that begins at or before a time in seconds, else the first frame.

        Args:
            time_s: seconds from the first frame.
            pause: called after each PAUSE_SECONDS of decoding; to stop, it raises an exception.

        Raises:
            VideoDecodeError: it cannot be read.
        """
        stream = self._stream
        assert stream.time_base is not None
        # Animated GIFs do not support seeking: a fresh reader reads them from the beginning.
        with suppress(av.FFmpegError):
            self._container.seek(
                round((self._start + time_s) / float(stream.time_base)), stream=stream
            )
        best: VideoFrame | None = None
        worked_since = time.monotonic()
        for decoded in self._decoded():
            if pause is not None and time.monotonic() - worked_since >= PAUSE_SECONDS:
                pause()
                worked_since = time.monotonic()
            if decoded is None:
                continue
            at, frame = decoded
            if best is not None and at > time_s + _CLOCK_SECONDS:
                break
            best = frame
        if best is None:
            raise VideoDecodeError("This frame cannot be read. Save or download the video again.")
        return to_photo(best, self._stream.sample_aspect_ratio, ColorConverter())

    def _open(self, content: bytes | Path) -> None:
        try:
            file: io.BufferedReader | io.BytesIO
            file = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        except OSError as error:
            raise VideoDecodeError(
                f"The file cannot be read ({error.strerror}). Check the path and its permissions."
            ) from error
        self._stack.enter_context(file)
        head = file.read(HEAD_BYTES)
        file.seek(0)
        if not head:
            raise VideoDecodeError("The file is empty. Choose another file.")
        demuxer = content_of_head(head).demuxer
        if demuxer is None:
            raise VideoDecodeError(f"This is not a video that can be read. {MEND}")
        self._open_container(file, demuxer)
        self._stack.callback(self._close_container)
        codec = self._stream.codec_context
        if codec is None or codec.name not in CODECS:
            unknown = codec.name if codec else "unknown"
            raise VideoDecodeError(
                f"The codec of this video ({unknown}) is not supported. Convert it to H.264."
            )
        _check_size(codec.width, codec.height)
        timeline = said_timeline(self._container, self._stream)
        if timeline is None:
            timeline = measured_timeline(
                self._container, self._stream, most_seconds=MAX_SECONDS, most_frames=MAX_FRAMES
            )
            # Not every format supports seeking.
            self._container.close()
            file.seek(0)
            self._open_container(file, demuxer)
        _check_length(timeline)
        stream, codec = self._stream, self._stream.codec_context
        self._start, self._frame_seconds = timeline.start_s, frame_seconds(stream)
        codec.thread_type = "AUTO"
        codec.thread_count = _MAX_THREADS
        codec.options = codec.options | {"max_pixels": str(MAX_MEGAPIXELS * 1_000_000)}
        rate = float(stream.average_rate) if stream.average_rate else None
        self.info = VideoInfo(timeline.seconds, rate, codec.name)

    def _close_container(self) -> None:
        self._container.close()

    def _open_container(self, file: io.BufferedReader | io.BytesIO, demuxer: str) -> None:
        """Open a file with FFmpeg, which reads it from its beginning."""
        try:
            self._container = open_container(file, demuxer, max_pixels=MAX_MEGAPIXELS * 1_000_000)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise VideoDecodeError(
                "The video is damaged or cut short, so it cannot be read. Save or download it again."
            ) from error
        pictures = picture_streams(self._container)
        if not pictures:
            only = "only sound" if self._container.streams.audio else "or it is damaged"
            self._container.close()
            raise VideoDecodeError(f"There is no video in this file, {only}. {MEND}")
        self._stream = pictures[0]

    def _decoded(self) -> Iterator[tuple[float, VideoFrame] | None]:
        """Yield every decodable frame in order, with its time in seconds since the first.

        None stands for a packet without a frame, and for a frame that is left out.
        """
        last, count = -math.inf, 0
        for frame in self._raw_frames():
            if frame is None:
                yield None
                continue
            count += 1
            if frame.is_corrupt:
                self._note_damage()
                yield None
                continue
            if frame.pts is not None:
                time_s = frame.time - self._start
            else:
                time_s = max(last, 0.0) + self._frame_seconds
            if time_s > MAX_SECONDS or count > MAX_FRAMES:
                self.note = f"The video is longer than it says; it was read up to {last:.0f} s."
                return
            if time_s > last:
                forget_unknown_colors(frame)
                yield time_s, frame
                last = time_s
            else:
                yield None

    def _raw_frames(self) -> Iterator[VideoFrame | None]:
        """Yield the decoder's frames, and None after a packet without any."""
        try:
            for packet in packets_of(self._container, self._stream):
                try:
                    frames = packet.decode()
                except (av.FFmpegError, ValueError):
                    self._note_damage()
                    frames = []
                yield from frames or (None,)
        except (av.FFmpegError, OSError):
            self._note_damage()

    def _note_damage(self) -> None:
        self.note = "Parts of the video are damaged, and frames there could not be read."


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise VideoDecodeError(
            "The video is damaged: nothing says how large its frames are. Save it again."
        )
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise VideoDecodeError(
            f"The video has frames of {width} x {height} pixels. The limit is {MAX_MEGAPIXELS} megapixels. "
            "Save it smaller."
        )


def _check_length(timeline: Timeline) -> None:
    if timeline.seconds > MAX_SECONDS:
        raise VideoDecodeError(
            f"The video lasts {timeline.seconds / 60:.1f} minutes. The limit is {MAX_SECONDS / 60:.0f}. Cut "
            "it into parts."
        )
    if timeline.n_frames > MAX_FRAMES:
        raise VideoDecodeError(
            f"The video has {timeline.n_frames:,} frames. The limit is {MAX_FRAMES:,}. Cut it into parts."
        )
