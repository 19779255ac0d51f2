"""Small videos, made when they are needed."""

import base64
import io
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
from av.stream import Disposition


def moving(
    photo: np.ndarray, n: int, *, width: int = 320, height: int = 240, step: int = 1
) -> list[np.ndarray]:
    """Return `n` frames, uint8 (height, width, 3), of a window that wanders `step` pixels over a photo."""
    scale = max((width + step * n) / photo.shape[1], (height + step * n) / photo.shape[0])
    large = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return [
        np.ascontiguousarray(large[at // 2 : at // 2 + height, at : at + width])
        for at in range(0, step * n, step)
    ]


def clip(
    frames: Iterable[np.ndarray],
    *,
    times: Sequence[float] | None = None,
    rate: int = 30,
    form: str = "mp4",
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rotation: int = 0,
    mirrored: bool = False,
    pixel_ratio: tuple[int, int] = (1, 1),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> bytes:
    """Return a video file's content.

    Args:
        frames: uint8 (H, W, 3), or 4 with transparency.
        times: of each in seconds; by default `rate` a second.
        rate: frames a second, or what the encoder is told where times are given.
        form: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of the encoder's pixel format.
        rotation: degrees, counter-clockwise, that a player is told to turn the picture by.
        mirrored: whether a player is told to mirror it.
        pixel_ratio: width to height of a pixel.
        options: of the encoder.
        container_options: of the container.
    """
    file = io.BytesIO()
    if options is None and codec == "libx264":
        options = {"preset": "ultrafast", "crf": "18"}
    with av.open(file, "w", format=form, container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.pix_fmt = pixels
        stream.codec_context.time_base = Fraction(1, 1000 if times else rate)
        stream.codec_context.sample_aspect_ratio = Fraction(*pixel_ratio)
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        for i, pixels_rgb in enumerate(frames):
            if not i:
                stream.height, stream.width = pixels_rgb.shape[:2]
            form_rgb = "rgba" if pixels_rgb.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(pixels_rgb, format=form_rgb).reformat(format=pixels)
            frame.pts = round(1000 * times[i]) if times else i
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def song(form: str = "mp4", codec: str = "aac", *, cover: bytes = b"") -> bytes:
    """Return a file with half a second of sound and no moving picture.

    Args:
        form: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        cover: a JPEG of 64 x 64 pixels to be the picture of its cover; none if empty.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        sound = container.add_stream(
            codec, rate=48_000, layout="mono", options={"strict": "experimental"}
        )
        if cover and form == "matroska":
            container.add_attachment("cover.jpg", "image/jpeg", cover)
        elif cover and form == "ogg":
            sides = struct.pack(">5I", 64, 64, 24, 0, len(cover))
            picture = struct.pack(">2I10sI", 3, 10, b"image/jpeg", 0) + sides + cover
            sound.metadata["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture).decode()
        elif cover:
            picture = container.add_stream("mjpeg")
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
            picture.disposition = Disposition.attached_pic
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = picture, 0, 0, True
            container.mux(packet)
        n = sound.codec_context.frame_size or 1024
        for i in range(24_000 // n):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, n), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 48_000, n * i
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return file.getvalue()
