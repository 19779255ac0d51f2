"""Small videos, made when they are needed."""

import base64
import io
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

_SOUND_RATE = 48_000
#: Of a frame of sound.
_SOUND_SAMPLES = 960
#: From linear BT.709 to BT.2020 (Recommendation ITU-R BT.2087, table 2).
_TO_BT2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)


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
    hdr: int | None = None,
    sound_seconds: float = 0.0,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> bytes:
    """Return a video file's content.

    Args:
        frames: uint8 (H, W, 3), or 4 with transparency; uint16 (H, W, 3) for HDR.
        times: of each in seconds; by default `rate` a second.
        rate: frames a second, or what the encoder is told where times are given.
        form: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of the encoder's pixel format.
        rotation: degrees, counter-clockwise, that a player is told to turn the picture by.
        mirrored: whether a player is told to mirror it.
        pixel_ratio: width to height of a pixel.
        hdr: FFmpeg's number of the transfer of HDR, in BT.2020's primaries.
        sound_seconds: of silence beside it, from time 0 on.
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
        if hdr is not None:
            stream.codec_context.color_trc = hdr
            stream.codec_context.color_primaries = ColorPrimaries.BT2020
            stream.codec_context.colorspace = Colorspace.BT2020
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        sound = container.add_stream("libopus", rate=_SOUND_RATE) if sound_seconds else None
        for i, pixels_rgb in enumerate(frames):
            if not i:
                stream.height, stream.width = pixels_rgb.shape[:2]
            form_rgb = "rgba" if pixels_rgb.shape[2] == 4 else "rgb24"
            if pixels_rgb.dtype == np.uint16:
                form_rgb = "rgb48le"
            frame = av.VideoFrame.from_ndarray(pixels_rgb, format=form_rgb).reformat(
                format=pixels, dst_colorspace=None if hdr is None else Colorspace.BT2020
            )
            frame.pts = round(1000 * times[i]) if times else i
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            container.mux(_silence(sound, sound_seconds))
    return file.getvalue()


def in_hdr(rgb: np.ndarray, transfer: int) -> np.ndarray:
    """Return an SDR picture as HDR shows it, its white at 203 nits; uint16 (H, W, 3)."""
    srgb = rgb / 255
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) @ _TO_BT2020.T
    if transfer == ColorTrc.SMPTE2084:
        power = (light * 203 / 10_000) ** 0.1593017578125
        signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        nits = light * 203 / 1000
        luminance = np.maximum(nits @ (0.2627, 0.6780, 0.0593), 1e-9)[..., None]
        scene = nits * luminance ** (1 / 1.2 - 1)
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        signal = np.where(
            scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
        )
    return (65535 * np.clip(signal, 0, 1)).round().astype(np.uint16)


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
            codec, rate=_SOUND_RATE, layout="mono", options={"strict": "experimental"}
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
        container.mux(_silence(sound, 0.5))
    return file.getvalue()


def _silence(stream: AudioStream, seconds: float) -> list[Packet]:
    """Return the packets of a stream that is silent for so long."""
    packets = []
    for at in range(0, round(seconds * _SOUND_RATE), _SOUND_SAMPLES):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, _SOUND_SAMPLES), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = _SOUND_RATE, at
        packets += stream.encode(frame)
    return packets + stream.encode()
