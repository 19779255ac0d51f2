"""From untrusted bytes to a photo: its orientation, mode and size; `content.check_is_photo` comes before."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from fer_core.content import HEAD_BYTES, MAX_READS, Kind, LimitedReader, content_of_head
from fer_core.errors import (
    ImageDecodeError,
    ImageMemoryError,
    ImageTooLargeError,
    NotAnImageError,
)
from fer_core.photos.bombs import check_parts, check_scans, has_several_scans
from fer_core.photos.directories import check_directories
from fer_core.photos.orientation import AS_STORED, Orientation, orientation_of

#: Largest photo that is read: a phone's 108 megapixels. Checked on the header, before a pixel is decoded: a
#: PNG of 12 KB can hold 100 megapixels.
MAX_MEGAPIXELS: Final = 110
#: Largest that Pillow reads, at 7 bytes per pixel: what is sold as 50 megapixels. Less where its decoders
#: take more: 16 and 9, measured. The rest is read by FFmpeg, at 4.5 bytes per pixel.
_PILLOW_MEGAPIXELS: Final = 52
_MEGAPIXELS_OF: Final = {"WEBP": 18, "AVIF": 32}
#: Largest JPEG with several scans by its mode: decoders keep all coefficients until the last scan. With the
#: pixels these are 10 bytes per pixel of three colours and 12 of four, measured. FFmpeg takes no less.
_SCANS_MEGAPIXELS: Final = {"RGB": 51, "CMYK": 42}
#: Largest run-length encoded BMP, which Pillow decodes in Python, and the number of its reads: two per run.
_RUNS_MEGAPIXELS: Final = 5
_RUNS_READS: Final = 1_500_000
#: Numbers of such encodings in a BMP.
_RUNS: Final = (1, 2)
LARGEST_IN_WORDS: Final = (
    f"{MAX_MEGAPIXELS} megapixels as plain JPEG or PNG, {_MEGAPIXELS_OF['AVIF']} as AVIF, "
    f"{_MEGAPIXELS_OF['WEBP']} as WebP and {_PILLOW_MEGAPIXELS} in most other formats"
)
#: FFmpeg's decoders by Pillow's names of the formats, and the modes that both read alike.
_FFMPEG_READS: Final = {"JPEG": "mjpeg", "PNG": "png"}
_FFMPEG_MODES: Final = ("RGB", "L")
#: Longest side that is read, as of a JPEG: no photo is a line.
MAX_SIDE: Final = 65_535
#: Pillow's names of the supported formats; all other decoders of Pillow are disabled for uploads.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")
#: Message for visitors if memory is short.
NO_MEMORY: Final = "There was not enough memory to read this image. Shrink it and try again."
_DAMAGED: Final = (
    "The image is damaged or cut short, so it cannot be read. Save or download it again."
)
_SHRINK: Final = "Shrink it and try again."
_MEND: Final = "Use a JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC file."
_16_BIT_MODES: Final = ("I;16", "I;16L", "I;16B", "I;16N")
#: Grey with fractions up to here is of the range 0 to 1, which filters and bright lights go beyond.
_UNIT_RANGE: Final = 8.0
#: Number of pixels that are converted at once, a few bytes each.
_STRIP_PIXELS: Final = 250_000
# Pillow warns of bombs, for which our own limits are stricter and raise, and of every tag of damaged
# metadata, a line each in the log. The filter is set once, because `warnings.catch_warnings` is not safe in
# threads. It comes last, so that a program's own filters for these warnings count.
warnings.filterwarnings("ignore", module=r"PIL\.", append=True)


@dataclass(frozen=True, slots=True)
class _Limit:
    """The limit on an image's pixels.

    Attributes:
        megapixels: the most.
        kind: of which files, with a space before; empty for all.
        mend: what to do with a larger one, as a sentence.
    """

    megapixels: int
    kind: str = ""
    mend: str = _SHRINK


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One upright photo.

    Attributes:
        rgb: uint8 (H, W, 3), transparency on white; contiguous, but for very large photos and those that
            were turned after decoding, which are views.
        orientation: how the pixels came from the file's own: EXIF's, and turns after it.
    """

    rgb: np.ndarray
    orientation: Orientation = AS_STORED

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be uint8 (H, W, 3), got {self.rgb.dtype} {self.rgb.shape}")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.rgb.shape[0])

    def turned(self, quarter_turns: int) -> "Photo":
        """Return the photo turned counter-clockwise, a view of the same pixels; itself for 0."""
        if quarter_turns % 4 == 0:
            return self
        return Photo(np.rot90(self.rgb, quarter_turns), self.orientation.turned(quarter_turns))

    def stored_box(self, box_xyxy: np.ndarray) -> np.ndarray:
        """Return a box in the file's own rows and columns, float32 (4,), xyxy."""
        return self.orientation.stored_box(box_xyxy, self.width, self.height)


def decode(data: bytes) -> Photo:
    """Return the photo in an image file's bytes: the first frame, upright, as RGB.

    It takes at most some 500 MB of memory, of which the photo keeps 3 bytes per pixel.

    Raises:
        NotAnImageError: not an image of a known format.
        ImageTooLargeError: above the limits on pixels, or made to be slow.
        ImageMemoryError: memory was short.
        ImageDecodeError: the base of these; itself where the image is damaged or empty. The message has one
            or two sentences that name the problem and the mend.
    """
    if not data:
        raise ImageDecodeError("The file is empty. Choose another file.")
    _register_heif()
    with _explained(data[:HEAD_BYTES]):
        check_parts(data)
        check_directories(data, most_tile_pixels=_PILLOW_MEGAPIXELS * 1_000_000)
        most_reads = _RUNS_READS if data.startswith(b"BM") else MAX_READS
        file = LimitedReader.of(io.BytesIO(data), most_reads)
        with Image.open(file, formats=_FORMATS) as image:
            _check_size(image, has_scans=has_several_scans(data))
            check_scans(data, *image.size)
            is_huge = image.width * image.height > _PILLOW_MEGAPIXELS * 1_000_000
            return _read_huge(data, image) if is_huge else _read(image)


def from_pillow(image: Image.Image) -> Photo:
    """Return the photo in a Pillow image: upright by its EXIF orientation, transparency on white.

    An image that Pillow has opened and not read yet is read now.

    Raises:
        ImageDecodeError: damaged, empty or above the limits on pixels, as for `decode`.
    """
    with _explained():
        _check_size(image)
        return _read(image)


@contextmanager
def _explained(head: bytes = b"") -> Iterator[None]:
    """Raise all errors of reading an image as ImageDecodeError.

    Args:
        head: first bytes of the file, which tell what no longer opens from what is no image.
    """
    try:
        yield
    except ImageDecodeError:
        raise
    except UnidentifiedImageError as error:
        if content_of_head(head).kind in (Kind.PHOTO, Kind.ANIMATION):
            raise ImageDecodeError(_DAMAGED) from error
        raise NotAnImageError(f"This is not an image that can be read. {_MEND}") from error
    except Image.DecompressionBombError as error:
        # Raised on the header, at twice Pillow's own limit.
        size = f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} megapixels"
        raise ImageTooLargeError(_too_large(size, f"{MAX_MEGAPIXELS} megapixels")) from error
    except MemoryError as error:
        raise ImageMemoryError(NO_MEMORY) from error
    except Exception as error:
        # On damaged bytes Pillow's decoders fail in more ways than can be listed (OSError, ValueError,
        # SyntaxError, struct.error, what plugins define ...), all of which mean the same to a user.
        raise ImageDecodeError(_DAMAGED) from error


def _register_heif() -> None:
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener()


def _check_size(image: Image.Image, *, has_scans: bool = False) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageDecodeError("The image has no pixels: its width or height is 0. Save it again.")
    size = f"{width} x {height} pixels"
    limit = _limit_of(image, has_scans=has_scans)
    if width * height > limit.megapixels * 1_000_000:
        most = f"{limit.megapixels} megapixels{limit.kind}"
        raise ImageTooLargeError(_too_large(size, most, limit.mend))
    if max(width, height) > MAX_SIDE:
        raise ImageTooLargeError(_too_large(size, f"{MAX_SIDE:,} pixels per side"))


def _limit_of(image: Image.Image, *, has_scans: bool) -> _Limit:
    """Return the limit on an image's pixels by what its decoder takes for one.

    Args:
        image: opened.
        has_scans: whether it is a JPEG with several scans, as besides progressive ones others may be.
    """
    if has_scans or image.info.get("progressive"):
        return _Limit(
            _SCANS_MEGAPIXELS.get(image.mode, _PILLOW_MEGAPIXELS),
            f" of a JPEG with several scans{' in CMYK' if image.mode == 'CMYK' else ''}",
            "Save it as a JPEG that is not progressive, or shrink it.",
        )
    if image.format == "BMP" and image.info.get("compression") in _RUNS:
        kind = " of a BMP with run-length encoding"
        return _Limit(_RUNS_MEGAPIXELS, kind, "Save it as PNG or JPEG.")
    if image.format in _FFMPEG_READS and image.mode in _FFMPEG_MODES:
        return _Limit(MAX_MEGAPIXELS)
    if image.format in _MEGAPIXELS_OF:
        return _Limit(_MEGAPIXELS_OF[image.format], f" of a {image.format} file")
    return _Limit(_PILLOW_MEGAPIXELS)


def _too_large(size: str, limit: str, mend: str = _SHRINK) -> str:
    return f"The image is too large: {size}. The limit is {limit}. {mend}"


def _read(image: Image.Image) -> Photo:
    """Return the photo upright, converted in strips: full copies of a large photo would take a gigabyte."""
    # Pillow turns a TIFF upright while it loads, and forgets how.
    stored = orientation_of(image) if image.format == "TIFF" else AS_STORED
    image.load()
    width, height = image.size
    turn = orientation_of(image)
    method = turn.transpose
    upright = np.empty((width, height, 3) if turn.is_sideways else (height, width, 3), np.uint8)
    along_rows = upright.swapaxes(0, 1) if turn.is_sideways else upright
    scale = _grey_scale(image)
    for top, strip in _strips(image):
        bottom = top + strip.height
        place = slice(height - bottom, height - top) if turn.is_backwards else slice(top, bottom)
        turned = strip if method is None else strip.transpose(method)
        rgb = _strip_to_rgb(turned) if scale is None else _scaled(turned, scale)
        along_rows[place] = rgb.swapaxes(0, 1) if turn.is_sideways else rgb
    return Photo(upright, turn if stored is AS_STORED else stored)


def _read_huge(data: bytes, image: Image.Image) -> Photo:
    """Return a very large photo upright, as a view: Pillow's own pixels and a copy would take 700 MB."""
    import av

    decoder, size = _FFMPEG_READS[image.format or ""], image.size
    orientation = orientation_of(image)
    # FFmpeg fills missing parts silently, Pillow reports them. Reading a JPEG at an eighth of its size is
    # fast.
    if image.format == "JPEG":
        image.draft(image.mode, (image.width // 8, image.height // 8))
        image.load()
    else:
        image.verify()
    codec = av.CodecContext.create(decoder, "r")
    assert isinstance(codec, av.VideoCodecContext)
    (frame,) = codec.decode(av.Packet(data)) or codec.decode(None)
    if (frame.width, frame.height) != size:
        raise ValueError(f"FFmpeg reads {frame.width} x {frame.height} pixels")
    (plane,) = frame.reformat(format="rgb24", interpolation="BILINEAR").planes
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    stored = rows[:, : 3 * plane.width].reshape(plane.height, plane.width, 3)
    return Photo(orientation.view(stored), orientation)


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the first row of each strip of an image, and the strip."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        yield top, image.crop((0, top, image.width, bottom))


def _strip_to_rgb(strip: Image.Image) -> np.ndarray:
    if strip.has_transparency_data:
        rgba = strip.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        strip = Image.alpha_composite(white, rgba)
    return np.asarray(strip.convert("RGB"))


# Fractions may be infinite, missing or too large for a product: NumPy would warn of each.
@np.errstate(invalid="ignore", over="ignore")
def _grey_scale(image: Image.Image) -> tuple[float, float] | None:
    """Return the values for black and white if Pillow would clip grey at 255; else None."""
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


@np.errstate(invalid="ignore", over="ignore")
def _scaled(strip: Image.Image, scale: tuple[float, float]) -> np.ndarray:
    """Return a strip of grey values as RGB, uint8 (h, w, 3), black where a value is NaN."""
    # Not before such a photo comes: the first page is shown without it.
    import cv2

    black, white = scale
    factor = 255 / (white - black) if white > black else 0.0
    grey = np.asarray(strip) * factor - black * factor
    np.nan_to_num(grey, copy=False, nan=0, posinf=255, neginf=0)
    # NumPy would take ten times as long to copy one value to three.
    return cv2.cvtColor(grey.clip(0, 255, out=grey).astype(np.uint8), cv2.COLOR_GRAY2RGB)
