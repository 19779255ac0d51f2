"""EXIF orientation: from the rows of an image file to those of the displayed photo."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from fer_core.photos.directories import check_numbers


@dataclass(frozen=True, slots=True)
class Orientation:
    """The transform from a stored image to the displayed one: optional mirroring, then a turn.

    Attributes:
        is_mirrored: whether left and right change places first.
        quarter_turns: counter-clockwise, 0 to 3.
    """

    is_mirrored: bool = False
    quarter_turns: int = 0

    @property
    def is_sideways(self) -> bool:
        """Whether rows become columns."""
        return self.quarter_turns % 2 == 1

    @property
    def is_backwards(self) -> bool:
        """Whether the first row comes last, as a row or as a column."""
        return self.quarter_turns >= 2

    @property
    def transpose(self) -> Image.Transpose | None:
        """Pillow's name of the transform; None if nothing changes."""
        return _TRANSPOSES[self.is_mirrored, self.quarter_turns]

    def turned(self, quarter_turns: int) -> "Orientation":
        """Return the orientation after a further counter-clockwise turn."""
        return Orientation(self.is_mirrored, (self.quarter_turns + quarter_turns) % 4)

    def view(self, stored: np.ndarray) -> np.ndarray:
        """Return an image (H, W, ...) as displayed: a view of the stored array."""
        return np.rot90(stored[:, ::-1] if self.is_mirrored else stored, self.quarter_turns)

    def stored_box(self, box_xyxy: np.ndarray, width: int, height: int) -> np.ndarray:
        """Return a box of the displayed image in pixels of the stored image.

        Args:
            box_xyxy: float (4,), pixels.
            width: of the image as shown.
            height: of the image as shown.

        Returns:
            float32 (4,), xyxy.
        """
        left, top, right, bottom = (float(edge) for edge in box_xyxy)
        for _ in range(self.quarter_turns):
            # A quarter turn counter-clockwise had brought the right edge to the top.
            left, top, right, bottom = height - bottom, left, height - top, right
            width, height = height, width
        if self.is_mirrored:
            left, right = width - right, width - left
        return np.array([left, top, right, bottom], np.float32)


AS_STORED: Final = Orientation()
_TRANSPOSES: Final = {
    (False, 0): None,
    (False, 1): Image.Transpose.ROTATE_90,
    (False, 2): Image.Transpose.ROTATE_180,
    (False, 3): Image.Transpose.ROTATE_270,
    (True, 0): Image.Transpose.FLIP_LEFT_RIGHT,
    (True, 1): Image.Transpose.TRANSPOSE,
    (True, 2): Image.Transpose.FLIP_TOP_BOTTOM,
    (True, 3): Image.Transpose.TRANSVERSE,
}
#: By EXIF's orientation: the place of the file's first row and column in the upright image.
_EXIF: Final[dict[object, Orientation]] = {
    1: AS_STORED,
    2: Orientation(is_mirrored=True),
    3: Orientation(quarter_turns=2),
    4: Orientation(is_mirrored=True, quarter_turns=2),
    5: Orientation(is_mirrored=True, quarter_turns=1),
    6: Orientation(quarter_turns=3),
    7: Orientation(is_mirrored=True, quarter_turns=3),
    8: Orientation(quarter_turns=1),
}


def orientation_of(image: Image.Image) -> Orientation:
    """Return the EXIF orientation; upright if it is missing, unknown, damaged or costly to read."""
    try:
        check_numbers(image.info.get("exif", b""))
        # Not image.getexif(), which decodes all pixels of a PNG first.
        exif = Image.Image.getexif(image)
        return _EXIF.get(exif.get(ExifTags.Base.Orientation), AS_STORED)
    except Exception:
        # Damaged EXIF, which fails in as many ways as damaged pixels, does not spoil the pixels.
        return AS_STORED
