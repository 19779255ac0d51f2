"""Tables with a column of images, and their common checks.

In parquet packs images are encoded, in Kaggle's CSV files they are texts of grey values.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from fer_core.errors import DataError
from fer_core.faces.crops import INPUT_SIZE, resize_crop


def read_pack(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Return a pack's table; raise DataError if it is unreadable or lacks one of the columns."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is not a readable parquet file ({error}). Copy the pack again."
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


def read_votes(path: Path, table: pd.DataFrame, n_voters: int) -> np.ndarray:
    """Return the votes in a table, int64 (N, columns).

    Args:
        path: of the table, for messages.
        table: a column for each answer that could be voted for; its index numbers the rows of the file.
        n_voters: how many voted on each row; one of them may be missing, as in a row of FER+'s own file.

    Raises:
        DataError: a vote is missing or no whole number up to `n_voters`, or a row has too few or too many;
            the message names row and column.
    """
    votes = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    is_bad = ~((votes >= 0) & (votes <= n_voters) & (votes == np.rint(votes)))
    if is_bad.any():
        row, column = np.argwhere(is_bad)[0].tolist()
        is_empty = bool(table.isna().iat[row, column])
        found = "empty" if is_empty else repr(str(table.iat[row, column]))
        raise DataError(
            f"{path}, row {table.index[row]}: {table.columns[column]} is {found}, not a whole number of "
            f"votes from 0 to {n_voters}. Fetch the file again."
        )
    sums = votes.sum(axis=1)
    is_off = (sums < n_voters - 1) | (sums > n_voters)
    if is_off.any():
        row = int(is_off.argmax())
        raise DataError(
            f"{path}, row {table.index[row]}: the columns {table.columns[0]} to {table.columns[-1]} sum to "
            f"{sums[row]:.0f} votes, where {n_voters} people voted. Fetch the file again."
        )
    return np.asarray(votes, np.int64)


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
        images[i] = resize_crop(decode_square(path, row, code, side))
    return images


def decode_square(path: Path, row: object, code: object, side: int) -> np.ndarray:
    """Return uint8 (side, side), grey, of an encoded image.

    Args:
        path: of the pack, for messages.
        row: of the image there, for messages.
        code: what the pack holds.
        side: of the image in pixels.

    Raises:
        DataError: it is unreadable or of another size; the message names its row.
    """
    image = None
    if isinstance(code, bytes) and code:
        image = cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None or image.shape != (side, side):
        raise DataError(
            f"{path}, position {row}: image is "
            + ("unreadable" if image is None else f"{image.shape[1]}x{image.shape[0]}")
            + f", expected the bytes of a {side}x{side} picture. Copy the pack again."
        )
    return image


def parse_pixels(path: Path, pixels: "pd.Series[str]", *, side: int) -> np.ndarray:
    """Return uint8 (N, side, side) of a column of grey values with blanks between.

    Args:
        path: of the CSV file, for messages.
        pixels: its name is the column's, its index numbers the rows of the file.
        side: of the images in pixels.

    Raises:
        DataError: a text is no image of that size; the message names its row.
    """
    images = np.empty((len(pixels), side, side), np.uint8)
    for i, (row, text) in enumerate(pixels.items()):
        try:
            values = np.fromstring(text, np.int64, sep=" ")
        except (ValueError, TypeError):
            values = np.array([], dtype=np.int64)
        if len(values) != side**2 or values.min() < 0 or values.max() > 255:
            raise DataError(
                f"{path}, row {row}: {pixels.name} must be {side**2} numbers from 0 to 255 with blanks "
                f"between, got {len(values)} usable ones. The download may be cut short."
            )
        images[i] = values.reshape(side, side)
    return images
