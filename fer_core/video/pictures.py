"""From a decoder's frame to an upright photo: rotation, square pixels, transparency."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final, cast

import numpy as np
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

from fer_core.photos.decode import Photo
from fer_core.video.colors import ColorConverter

#: A display matrix has fractions of 16 bits, and the place in its third row and column.
_MATRIX_SHAPE: Final = (3, 3)
#: Widest plausible pixel; anamorphic films have 4:3.
_MAX_PIXEL_RATIO: Final = 3


def to_photo(frame: VideoFrame, pixel_ratio: Fraction | None, colors: ColorConverter) -> Photo:
    """Return a frame as an upright photo in SDR with square pixels, transparency on white.

    Args:
        frame: of the decoder.
        pixel_ratio: how many times as wide as high its pixels are; None if unknown.
        colors: to convert it; the same for all frames of a video.
    """
    pixels = colors.to_rgb(frame, _square_width(frame.width, pixel_ratio))
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.uint16)
        pixels = ((pixels[..., :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    return Photo(np.ascontiguousarray(_turned(pixels, _matrix_of(frame))))


def _matrix_of(frame: VideoFrame) -> np.ndarray:
    """Return the display matrix of a frame.

    Returns:
        int (2, 2): a step right and a step down in the frame, as (right, down) in the picture.
    """
    # The stubs take it for a mapping, and iterating gives its values.
    for data in cast(Iterator[SideData], iter(frame.side_data)):
        if data.type == SideDataType.DISPLAYMATRIX:
            return np.frombuffer(bytes(data), np.int32).reshape(_MATRIX_SHAPE)[:2, :2]
    return np.eye(2, dtype=np.int32)


def _turned(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) turned and mirrored by a display matrix, to the nearest right angle."""
    (right_right, right_down), (down_right, down_down) = matrix.tolist()
    if abs(right_right) < abs(right_down):
        pixels = pixels.swapaxes(0, 1)
        right_right, down_down = down_right, right_down
    if right_right < 0:
        pixels = pixels[:, ::-1]
    return pixels[::-1] if down_down < 0 else pixels


def _square_width(width: int, ratio: Fraction | None) -> int:
    """Return the width of a frame with square pixels; `ratio` is the pixels' width over height."""
    if not ratio or ratio == 1 or not 1 / _MAX_PIXEL_RATIO <= ratio <= _MAX_PIXEL_RATIO:
        return width
    return max(1, round(width * ratio))
