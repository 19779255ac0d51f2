"""Untrusted bytes to a video's frames: format, limits, time, rotation and sampling are settled here.

The format is told by the first bytes, and FFmpeg is held to it: see `fer_core.content`.
"""

import io
import math
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

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
from fer_core.video.cuts import CutFinder
from fer_core.video.pictures import to_photo

MEND: Final = (
    "Use an MP4, MOV, WebM, MKV, AVI, WMV, FLV, MPEG or OGV file, or an animated GIF or PNG."
)
#: Longest video that is read.
MAX_SECONDS: Final = 3600.0
#: Largest frame that is read: 4096x2304 and its like. A decoder keeps some 20 of them.
MAX_MEGAPIXELS: Final = 10
#: Most frames that are decoded: an hour at 60 a second.
MAX_FRAMES: Final = 216_000

#: A decoder's threads; each keeps frames of its own.
_MAX_THREADS: Final = 4
#: With as many frames between two samples, those that no other frame is built on are not even decoded.
_SPARSE: Final = 8
#: Clocks of containers count milliseconds and less, so a frame may lie a little before its time.
_CLOCK_SECONDS: Final = 0.002
#: Assumed where a file says nothing of its rate.
_USUAL_RATE: Final = 25.0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file says of its video.

    Attributes:
        seconds: how long it lasts.
        rate: mean frames a second; None if unknown.
        codec: FFmpeg's name of it.
    """

    seconds: float
    rate: float | None
    codec: str


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
    """A video, opened and found to be within the limits. Close it, or use it in a `with`."""

    def __init__(self, content: bytes | Path) -> None:
        """Open a video; nothing is written anywhere.

        Args:
            content: the file's bytes, or its path.

        Raises:
            VideoDecodeError: not a video of a known format, damaged, without frames, or above the limits; one
                or two sentences that name the problem and the mend.
        """
        #: What was wrong with what was read so far, in a sentence for the user.
        self.note: str | None = None
        self._stack = ExitStack()
        try:
            self._open(content)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file and of the decoder."""
        self._stack.close()

    def frames(self, rate: float = DEFAULT_RATE) -> Iterator[SampledFrame]:
        """Yield frames in the order of their times, `rate` a second and no more than there are.

        Where the file is damaged or does not end, what could be read is yielded, and `note` says so.

        Args:
            rate: frames a second, above 0.

        Raises:
            VideoDecodeError: not one frame could be read.
        """
        if not rate > 0:
            raise ValueError(f"rate must be above 0, got {rate}")
        if (self.info.rate or 0) >= _SPARSE * rate:
            self._stream.codec_context.skip_frame = "NONREF"
        cuts, colors = CutFinder(), VideoReformatter()
        number, due, after_cut, time_s = 0, -math.inf, False, 0.0
        for time_s, frame in self._decoded():
            after_cut |= cuts.is_cut(frame)
            if time_s + _CLOCK_SECONDS < due:
                continue
            due = (math.floor((time_s + _CLOCK_SECONDS) * rate) + 1) / rate
            number += 1
            yield SampledFrame(
                number, time_s, to_photo(frame, self._stream.sample_aspect_ratio, colors), after_cut
            )
            after_cut = False
        if not number:
            raise VideoDecodeError(
                "No frame of this video can be read; it may be damaged. Save or download it again."
            )
        missing = self.info.seconds - time_s - 2 / (self.info.rate or _USUAL_RATE)
        if self.note is None and missing > max(0.5, 0.02 * self.info.seconds):
            self.note = (
                f"The video should last {self.info.seconds:.1f} s, but it ends after {time_s:.1f} s: the "
                "file may be cut short."
            )

    def frame_at(self, time_s: float) -> Photo:
        """Return the last frame that begins at or before a time in seconds, or else the first one.

        Raises:
            VideoDecodeError: it cannot be read.
        """
        stream = self._stream
        assert stream.time_base is not None
        # An animated GIF cannot be sought in: it is read from its beginning, where a fresh reader is.
        with suppress(av.FFmpegError):
            self._container.seek(
                round((self._start + time_s) / float(stream.time_base)), stream=stream
            )
        best: VideoFrame | None = None
        for at, frame in self._decoded():
            if best is not None and at > time_s + _CLOCK_SECONDS:
                break
            best = frame
        if best is None:
            raise VideoDecodeError("This frame cannot be read. Save or download the video again.")
        return to_photo(best, self._stream.sample_aspect_ratio, VideoReformatter())

    def _open(self, content: bytes | Path) -> None:
        try:
            file: io.BufferedReader | io.BytesIO
            file = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        except OSError as error:
            raise VideoDecodeError(f"The file cannot be read ({error.strerror}).") from error
        self._stack.enter_context(file)
        head = file.read(HEAD_BYTES)
        file.seek(0)
        if not head:
            raise VideoDecodeError("The file is empty. Choose another file.")
        demuxer = content_of_head(head).demuxer
        if demuxer is None:
            raise VideoDecodeError(f"This is not a video that can be read. {MEND}")
        try:
            self._container = open_container(file, demuxer, max_pixels=MAX_MEGAPIXELS * 1_000_000)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise VideoDecodeError(
                "The video is damaged or cut short, so it cannot be read. Save or download it again."
            ) from error
        self._stack.callback(self._container.close)
        pictures = picture_streams(self._container)
        if not pictures:
            only = "only sound" if self._container.streams.audio else "or it is damaged"
            raise VideoDecodeError(f"There is no video in this file, {only}. {MEND}")
        self._stream = pictures[0]
        codec = self._stream.codec_context
        if codec is None or codec.name not in CODECS:
            unknown = codec.name if codec else "unknown"
            raise VideoDecodeError(
                f"The codec of this video ({unknown}) is not read. Convert it to H.264."
            )
        codec.thread_type = "AUTO"
        codec.thread_count = _MAX_THREADS
        codec.options = codec.options | {"max_pixels": str(MAX_MEGAPIXELS * 1_000_000)}
        self.info = self._checked_info()

    def _checked_info(self) -> VideoInfo:
        stream, codec = self._stream, self._stream.codec_context
        width, height = codec.width, codec.height
        if width < 1 or height < 1:
            raise VideoDecodeError(
                "The video is damaged: nothing says how large its frames are. Save it again."
            )
        if width * height > MAX_MEGAPIXELS * 1_000_000:
            raise VideoDecodeError(
                f"The video has frames of {width} x {height} pixels, where {MAX_MEGAPIXELS} megapixels are "
                "the most. Save it smaller."
            )
        rate = float(stream.average_rate) if stream.average_rate else None
        self._start = 0.0
        seconds = None
        assert stream.time_base is not None
        if stream.start_time is not None:
            self._start = float(stream.start_time * stream.time_base)
        if stream.duration:
            seconds = float(stream.duration * stream.time_base)
        elif self._container.duration:
            seconds = self._container.duration / av.time_base
        frames = stream.frames or round((seconds or 0) * (rate or 0))
        if seconds is None:
            # Browsers record WebM files that do not say how long they are.
            seconds, frames = self._measured()
        if seconds > MAX_SECONDS:
            raise VideoDecodeError(
                f"The video lasts {seconds / 60:.1f} minutes, where {MAX_SECONDS / 60:.0f} are the most. Cut "
                "it into parts."
            )
        if frames > MAX_FRAMES:
            raise VideoDecodeError(
                f"The video has {frames:,} frames, where {MAX_FRAMES:,} are the most. Cut it into parts."
            )
        return VideoInfo(seconds, rate, codec.name)

    def _measured(self) -> tuple[float, int]:
        """Return duration and number of frames by their packets, which are not decoded."""
        last, count = self._start, 0
        try:
            for packet in packets_of(self._container, self._stream):
                if packet.pts is None or packet.time_base is None:
                    continue
                count += 1
                length = (packet.duration or 0) * packet.time_base
                last = max(last, float(packet.pts * packet.time_base + length))
                if count > MAX_FRAMES or last - self._start > MAX_SECONDS:
                    break
            self._container.seek(0)
        except (av.FFmpegError, OSError) as error:
            raise VideoDecodeError(
                "The video is damaged, so it cannot be read. Save or download it again."
            ) from error
        return last - self._start, count

    def _decoded(self) -> Iterator[tuple[float, VideoFrame]]:
        """Yield every frame that can be decoded with its time in seconds from the first, in order."""
        last, count = -math.inf, 0
        for frame in self._raw_frames():
            count += 1
            if frame is None or frame.is_corrupt:
                self.note = "Parts of the video are damaged, and frames there could not be read."
                continue
            if frame.pts is not None:
                time_s = frame.time - self._start
            else:
                time_s = max(last, 0.0) + 1 / (self.info.rate or _USUAL_RATE)
            if time_s > MAX_SECONDS or count > MAX_FRAMES:
                self.note = f"The video is longer than it says; it was read up to {last:.0f} s."
                return
            if time_s > last:
                yield time_s, frame
                last = time_s

    def _raw_frames(self) -> Iterator[VideoFrame | None]:
        """Yield frames as the decoder gives them, None for what it cannot decode."""
        try:
            for packet in packets_of(self._container, self._stream):
                try:
                    yield from packet.decode()
                except (av.FFmpegError, ValueError):
                    yield None
        except (av.FFmpegError, OSError):
            yield None
