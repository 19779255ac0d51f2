"""An annotated video: frames with boxes and captions, as an MP4 in memory."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from fer_core.closing import Closing
from fer_core.drawing import draw_faces, fit_long_side
from fer_core.video.analysis import FrameAnalysis, VideoAnalysis
from fer_core.video.reading import VideoReader

#: Long sides in pixels of what is written: captions stay legible, files small.
_SIDES: Final = {"smallest": 640, "largest": 1280}
#: Ticks per second of the written times.
_CLOCK: Final = 12_800
#: x264's; sharp enough for captions, and faster than the analysis.
_ENCODER: Final = {"preset": "veryfast", "crf": "23"}


class AnnotatedVideo(Closing):
    """An MP4 (H.264, no sound), written frame by frame. Finish it, or use it in a `with` block."""

    def __init__(self, rate: float) -> None:
        """Start a video.

        Args:
            rate: frames per second, approximately; each is shown at its own time.
        """
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream(
            "libx264", rate=Fraction(rate).limit_denominator(1000), options=_ENCODER
        )
        self._stream.pix_fmt = "yuv420p"
        codec = self._stream.codec_context
        codec.time_base = Fraction(1, _CLOCK)
        # Declared, because players otherwise guess the colour standard by the size of the video.
        codec.colorspace = Colorspace.ITU601
        codec.color_range = ColorRange.MPEG
        self._size_hw: tuple[int, int] | None = None

    def close(self) -> None:
        """Close the encoder."""
        self._container.close()

    def add(self, frame: FrameAnalysis, image_rgb: np.ndarray) -> None:
        """Write a frame with its faces; frames must be in order of time.

        Args:
            frame: what was found in it.
            image_rgb: uint8 (H, W, 3), its picture.
        """
        drawn = draw_faces(fit_long_side(image_rgb, **_SIDES), frame.shown, numbers=frame.tracks)
        # H.264 shares colours between two rows and columns; and all frames have the first one's size.
        if self._size_hw is None:
            self._size_hw = drawn.shape[0] // 2 * 2, drawn.shape[1] // 2 * 2
            self._stream.height, self._stream.width = self._size_hw
        height, width = self._size_hw
        picture = av.VideoFrame.from_ndarray(drawn, format="rgb24").reformat(
            width, height, "yuv420p", dst_colorspace=Colorspace.ITU601
        )
        picture.pts = round(frame.time_s * _CLOCK)
        picture.time_base = Fraction(1, _CLOCK)
        self._container.mux(self._stream.encode(picture))

    def finish(self) -> bytes:
        """Return the file's content; nothing can be added afterwards."""
        if self._size_hw is not None:
            self._container.mux(self._stream.encode())
        self._container.close()
        return self._file.getvalue()


def annotated_video(content: bytes | Path, analysis: VideoAnalysis) -> Iterator[float | bytes]:
    """Yield the finished share, in [0, 1], and finally the content of the annotated video.

    The frames are read once more, since an analysis keeps no pictures. Between two of them, the same share is
    yielded after each `PAUSE_SECONDS` of decoding.

    Args:
        content: of the video that was analysed, or its path.
        analysis: of it.
    """
    frames, n_drawn = analysis.frames, 0
    with VideoReader(content) as reader, AnnotatedVideo(analysis.rate) as video:
        for picture in reader.frames_and_pauses(analysis.rate) if frames else ():
            if picture is not None:
                video.add(frames[n_drawn], picture.photo.rgb)
                n_drawn += 1
            yield n_drawn / len(frames)
            if n_drawn == len(frames):
                break
        yield video.finish()
