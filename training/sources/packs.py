"""Parquet packs: tables with a column of encoded images, and the checks that all of them share."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from fer_core.crops import INPUT_SIZE, resize_crop
from fer_core.errors import DataError


def read_pack(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Return a pack's table; raise DataError if it is unreadable or lacks one of the columns."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is not a readable parquet file ({error}). Copy the pack anew."
        ) from error
    if missing := set(columns) - set(table.columns):
        raise DataError(
            f"{path} lacks the column {', '.join(sorted(missing))}; it has "
            f"{', '.join(map(str, table.columns))}."
        )
    return table


def check_labels(path: Path, labels: "pd.Series[int]", column: str, n_classes: int) -> None:
    """Raise DataError, naming the first row, unless all labels are whole numbers below `n_classes`."""
    bad = ~pd.to_numeric(labels, errors="coerce").isin(range(n_classes))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{path}, row {row}: {column} is {str(labels.iloc[row])!r}, not a whole number from 0 to "
            f"{n_classes - 1}."
        )


def decode_faces(path: Path, encoded: "pd.Series[bytes]", *, side: int = INPUT_SIZE) -> np.ndarray:
    """Return uint8 (N, 48, 48), grey, of a column of encoded square images.

    Args:
        path: of the pack, for messages.
        encoded: PNG, WebP or JPEG; its index numbers the rows of the pack.
        side: of the images in pixels. Others than 48 go through the project's one resize.

    Raises:
        DataError: an image is unreadable or of another size; the message names its row.
    """
    images = np.empty((len(encoded), INPUT_SIZE, INPUT_SIZE), np.uint8)
    for i, (row, code) in enumerate(encoded.items()):
        images[i] = resize_crop(_decode(path, row, code, side))
    return images


def _decode(path: Path, row: object, code: object, side: int) -> np.ndarray:
    image = None
    if isinstance(code, bytes) and code:
        image = cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None or image.shape != (side, side):
        raise DataError(
            f"{path}, position {row}: image is "
            + ("unreadable" if image is None else f"{image.shape[1]}x{image.shape[0]}")
            + f", expected the bytes of a {side}x{side} picture. Copy the pack anew."
        )
    return image
