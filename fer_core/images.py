"""Untrusted bytes to a photo: format, orientation, mode and size are settled here and nowhere else."""

import io
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_core.errors import ImageDecodeError

#: Largest photo that is read. Checked on the header, before a pixel is decoded: a PNG of 12 KB can
#: hold 100 megapixels.
MAX_MEGAPIXELS: Final = 50
#: Pillow's names of the formats that are read; everything else in Pillow stays shut to uploads.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
ACCEPTED_SUFFIXES: Final = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".avif",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
)
_MEND: Final = "Use a JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC file."
_16_BIT_MODES: Final = ("I;16", "I;16L", "I;16B", "I;16N")
#: A 16-bit grey value over this is the 8-bit one: 65535 / 257 = 255.
_16_TO_8_BIT: Final = 257


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

    Raises:
        ImageDecodeError: not an image of a known format, damaged, empty, or above 50 megapixels; one
            or two sentences that name the problem and the mend.
    """
    if not data:
        raise ImageDecodeError("The file is empty. Choose another file.")
    _register_heif()
    try:
        with warnings.catch_warnings():
            # Pillow warns of a decompression bomb; our own limit below is stricter and raises.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(*image.size)
                return Photo(_to_rgb(image))
    except ImageDecodeError:
        raise
    except UnidentifiedImageError as error:
        raise ImageDecodeError(f"This is not an image that can be read. {_MEND}") from error
    except Image.DecompressionBombError as error:
        # Raised on the header, at twice Pillow's own limit.
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise ImageDecodeError(_too_large(f"more than {limit:.0f} megapixels")) from error
    except MemoryError as error:
        raise ImageDecodeError(
            "There was not enough memory to read this image. Shrink it and try again."
        ) from error
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


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ImageDecodeError("The image has no pixels: its width or height is 0. Save it again.")
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise ImageDecodeError(_too_large(f"{width} x {height} pixels"))


def _too_large(size: str) -> str:
    return (
        f"The image is too large: {size}, where {MAX_MEGAPIXELS} megapixels are the most. "
        "Shrink it and try again."
    )


def _to_rgb(image: Image.Image) -> np.ndarray:
    image.seek(0)
    upright = ImageOps.exif_transpose(image)
    _check_size(*upright.size)
    if upright.mode in _16_BIT_MODES:
        # Pillow clips 16-bit grey at 255 instead of scaling it.
        grey = (np.asarray(upright).astype(np.uint32) // _16_TO_8_BIT).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    if upright.mode in ("I", "F"):
        # 32-bit grey has no agreed range; its own is stretched over ours.
        values = np.asarray(upright).astype(np.float64)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        top = 255.0 if 0 <= low and high <= 255 else 65535.0 if 0 <= low and high <= 65535 else 0.0
        scaled = values * (255 / top) if top else (values - low) * (255 / max(high - low, 1e-12))
        grey = np.nan_to_num(scaled).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        upright = Image.alpha_composite(white, rgba)
    return np.array(upright.convert("RGB"), dtype=np.uint8, order="C")
