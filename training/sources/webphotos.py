"""Web photos: 858 whole photos with one main face, five expressions, for selection on photos.

Read from the parquet pack `webphotos/dev.parquet` with the columns `name`, `expression` and `image`. The
photos come from github.com/muxspace/facial_expressions, press pictures for the most part, labelled by one
annotator each; five of the seven expressions occur. They are a development set: the default networks, input
sizes and the strength of the prior correction are chosen on it, so a figure on it flatters what was chosen.
Nothing is ever trained on it, which is why it is no entry of `training.sources.SOURCES`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from fer_core.errors import DataError, ImageDecodeError, UnknownNameError
from fer_core.expressions import FER2013, parse_expression
from fer_core.photos.decode import decode
from training.sources.packs import read_pack
from training.sources.source import not_found

NAME: Final = "webphotos"
_EXPECTED: Final = "{root}/webphotos/dev.parquet   (the parquet pack)"
_PAGE: Final = "https://github.com/muxspace/facial_expressions (the photos, with labels)"


@dataclass(frozen=True, slots=True, eq=False)
class PhotoSamples:
    """Labelled photos with one main face each.

    Attributes:
        names: file names.
        encoded: bytes of the image files.
        labels: int64 (N,), indices into FER2013's label space.
    """

    names: tuple[str, ...]
    encoded: tuple[bytes, ...]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def rgb(self, row: int) -> np.ndarray:
        """Return a photo's pixels, uint8 (H, W, 3); raise DataError if it is damaged."""
        try:
            return decode(self.encoded[row]).rgb
        except ImageDecodeError as error:
            raise DataError(f"{NAME}, position {row} ({self.names[row]}): {error}") from error


def load(root: Path) -> PhotoSamples:
    """Read the photos.

    Raises:
        DataError: they are not there, or a row is malformed; the message names it.
    """
    path = root / NAME / "dev.parquet"
    if not path.is_file():
        raise not_found(
            "The pack of web photos", path.parent, expected=_EXPECTED.format(root=root), page=_PAGE
        )
    table = read_pack(path, ("name", "expression", "image"))
    labels = []
    for row, text in enumerate(table["expression"]):
        try:
            labels.append(FER2013.labels.index(parse_expression(str(text))))
        except (UnknownNameError, ValueError) as error:
            raise DataError(
                f"{path}, row {row}: expression is {text!r}, not one of {', '.join(FER2013.labels)}."
            ) from error
    return PhotoSamples(
        names=tuple(map(str, table["name"])),
        encoded=tuple(table["image"]),
        labels=np.array(labels, np.int64),
    )
