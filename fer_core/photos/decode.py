"""Untrusted bytes to a photo: format, orientation, mode and size are settled here and nowhere else."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from fer_core.errors import ImageDecodeError
from fer_core.photos.bombs import check_parts, check_scans

#: Largest photo that is read. Checked on the header, before a pixel is decoded: a PNG of 12 KB can
#: hold 100 megapixels.
MAX_MEGAPIXELS: Final = 50
#: Less where a decoder takes more than the 7 bytes a pixel of the others: 16 and 9, measured.
_MEGAPIXELS_OF: Final = {"WEBP": 18, "AVIF": 32}
#: Longest side that is read, as of a JPEG: no photo is a line.
MAX_SIDE: Final = 65_535
#: Pillow's names of the formats that are read; everything else in Pillow stays shut to uploads.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
#: What a visitor is told where memory is short.
NO_MEMORY: Final = "There was not enough memory to read this image. Shrink it and try again."
_MEND: Final = "Use a JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC file."
_16_BIT_MODES: Final = ("I;16", "I;16L", "I;16B", "I;16N")
#: Grey with fractions up to here is of the range 0 to 1, which filters and bright lights go beyond.
_UNIT_RANGE: Final = 8.0
#: Pixels that are converted at once, a few bytes each.
_STRIP_PIXELS: Final = 250_000


@dataclass(frozen=True, slots=True)
class _Turn:
    """How a file's rows become those of an upright image.

    Attributes:
        method: what turns a strip of rows; None if it is upright.
        sideways: whether rows become columns.
        backwards: whether the first row comes last.
    """

    method: Image.Transpose | None
    sideways: bool
    backwards: bool


_UPRIGHT: Final = _Turn(None, sideways=False, backwards=False)
#: By EXIF's orientation, which says where the file's first row and column lie in the upright image.
_TURNS: Final[dict[object, _Turn]] = {
    1: _UPRIGHT,
    2: _Turn(Image.Transpose.FLIP_LEFT_RIGHT, sideways=False, backwards=False),
    3: _Turn(Image.Transpose.ROTATE_180, sideways=False, backwards=True),
    4: _Turn(Image.Transpose.FLIP_TOP_BOTTOM, sideways=False, backwards=True),
    5: _Turn(Image.Transpose.TRANSPOSE, sideways=True, backwards=False),
    6: _Turn(Image.Transpose.ROTATE_270, sideways=True, backwards=True),
    7: _Turn(Image.Transpose.TRANSVERSE, sideways=True, backwards=True),
    8: _Turn(Image.Transpose.ROTATE_90, sideways=True, backwards=False),
}


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One upright photo.

    Attributes:
        rgb: uint8 (H, W, 3), contiguous; EXIF orientation applied, transparency on white.
    """

    rgb: np.ndarray

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be uint8 (H, W, 3), got {self.rgb.dtype} {self.rgb.shape}")

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.rgb.shape[0])


def decode(data: bytes) -> Photo:
    """Return the photo in an image file's bytes: the first frame, upright, as RGB.

    It takes at most some 7 bytes of memory for a pixel, 350 MB in all, of which the photo keeps 3.

    Raises:
        ImageDecodeError: not an image of a known format, damaged, empty, above the limits on pixels, or made
            to be slow; one or two sentences that name the problem and the mend.
    """
    if not data:
        raise ImageDecodeError("The file is empty. Choose another file.")
    _register_heif()
    with _explained():
        check_parts(data)
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(*image.size, image.format)
            check_scans(data, *image.size)
            return Photo(_to_rgb(image))


def from_pillow(image: Image.Image) -> Photo:
    """Return the photo in a Pillow image: upright by its EXIF orientation, transparency on white.

    An image that Pillow has opened and not read yet is read now.

    Raises:
        ImageDecodeError: damaged, empty or above the limits on pixels, as for `decode`.
    """
    with _explained():
        _check_size(*image.size, image.format)
        return Photo(_to_rgb(image))


@contextmanager
def _explained() -> Iterator[None]:
    """Raise whatever reading an image may raise as ImageDecodeError; keep Pillow from warning."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of bombs, for which our own limits are stricter and raise, and of every tag of
            # damaged metadata, a line each in the log.
            warnings.simplefilter("ignore")
            yield
    except ImageDecodeError:
        raise
    except UnidentifiedImageError as error:
        raise ImageDecodeError(f"This is not an image that can be read. {_MEND}") from error
    except Image.DecompressionBombError as error:
        # Raised on the header, at twice Pillow's own limit.
        size = f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} megapixels"
        raise ImageDecodeError(_too_large(size, f"{MAX_MEGAPIXELS} megapixels")) from error
    except MemoryError as error:
        raise ImageDecodeError(NO_MEMORY) from error
    except Exception as error:
        # On damaged bytes Pillow's decoders fail in more ways than can be listed (OSError, ValueError,
        # SyntaxError, struct.error, what plugins define ...), all of which mean the same to a user.
        raise ImageDecodeError(
            "The image is damaged or cut short, so it cannot be read. Save or download it again."
        ) from error


def shrink(rgb: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return the image with its long side at most `max_side`, and the factor from it to the original.

    Args:
        rgb: uint8 (H, W, 3).
        max_side: pixels.

    Returns:
        uint8 (h, w, 3), and the number (1 or more) that its coordinates are multiplied by.
    """
    import cv2

    height, width = rgb.shape[:2]
    factor = max(height, width) / max_side
    if factor <= 1:
        return rgb, 1.0
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), factor


def _register_heif() -> None:
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener()


def _check_size(width: int, height: int, image_format: str | None) -> None:
    if width < 1 or height < 1:
        raise ImageDecodeError("The image has no pixels: its width or height is 0. Save it again.")
    size = f"{width} x {height} pixels"
    megapixels = _MEGAPIXELS_OF.get(image_format or "", MAX_MEGAPIXELS)
    if width * height > megapixels * 1_000_000:
        kind = f" of a {image_format} file" if megapixels < MAX_MEGAPIXELS else ""
        raise ImageDecodeError(_too_large(size, f"{megapixels} megapixels{kind}"))
    if max(width, height) > MAX_SIDE:
        raise ImageDecodeError(_too_large(size, f"{MAX_SIDE:,} pixels a side"))


def _too_large(size: str, limit: str) -> str:
    return f"The image is too large: {size}, where {limit} are the most. Shrink it and try again."


def _to_rgb(image: Image.Image) -> np.ndarray:
    """Return the image upright, in strips: whole copies of a large photo would take a gigabyte."""
    image.load()
    width, height = image.size
    turn = _turn(image)
    upright = np.empty((width, height, 3) if turn.sideways else (height, width, 3), np.uint8)
    along_rows = upright.swapaxes(0, 1) if turn.sideways else upright
    scale = _grey_scale(image)
    for top, strip in _strips(image):
        bottom = top + strip.height
        place = slice(height - bottom, height - top) if turn.backwards else slice(top, bottom)
        turned = strip if turn.method is None else strip.transpose(turn.method)
        rgb = _strip_to_rgb(turned) if scale is None else _scaled(turned, scale)
        along_rows[place] = rgb.swapaxes(0, 1) if turn.sideways else rgb
    return upright


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the row that each strip of an image begins at, and the strip."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        yield top, image.crop((0, top, image.width, bottom))


def _turn(image: Image.Image) -> _Turn:
    """Return what EXIF says of the orientation; upright where it is silent, unknown or damaged."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation), _UPRIGHT)
    except Exception:
        # Damaged EXIF, which fails in as many ways as damaged pixels, does not spoil the pixels.
        return _UPRIGHT


def _strip_to_rgb(strip: Image.Image) -> np.ndarray:
    if strip.has_transparency_data:
        rgba = strip.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        strip = Image.alpha_composite(white, rgba)
    return np.asarray(strip.convert("RGB"))


def _grey_scale(image: Image.Image) -> tuple[float, float] | None:
    """Return the values that become black and white where Pillow would clip grey at 255; else None."""
    if image.mode in _16_BIT_MODES:
        return 0.0, 65535.0
    if image.mode not in ("I", "F"):
        return None
    # 32-bit grey has no agreed range: 0 to 1 of fractions, 8 or 16 bits if all values lie in it, else its own
    # is stretched.
    low, high = np.inf, -np.inf
    for _, strip in _strips(image):
        values = np.asarray(strip)
        if not np.isfinite(values.sum(dtype=np.float64)):
            values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if image.mode == "F" and 0 <= low and high <= _UNIT_RANGE:
        return 0.0, max(1.0, high)
    if low >= 0 and high <= 65535:
        return 0.0, 255.0 if high <= 255 else 65535.0
    return low, high


def _scaled(strip: Image.Image, scale: tuple[float, float]) -> np.ndarray:
    """Return a strip of grey values as uint8 (h, w, 1), black where a value is none."""
    black, white = scale
    factor = 255 / (white - black) if white > black else 0.0
    grey = np.asarray(strip) * factor - black * factor
    np.nan_to_num(grey, copy=False, nan=0, posinf=255, neginf=0)
    return grey.clip(0, 255, out=grey).astype(np.uint8)[..., None]
