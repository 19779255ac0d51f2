"""Contact sheets: the faces of many photos side by side, each with its prediction."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from fer_core.batch.results import CROP_SIDE, FACE, RESULT, PhotoResult
from fer_core.drawing import encode_jpeg, face_label, text_color
from fer_core.networks.levels import Level, level_of, words_of
from fer_core.percent import percent

if TYPE_CHECKING:
    import pandas as pd

#: Faces of one sheet: eight rows of six, whose words can be made out on a phone.
FACES_A_SHEET: Final = 48
_COLUMNS: Final = 6
_GAP: Final = 10
_PLATE: Final = 38
#: Height of the upper one of the plate's two lines.
_WORDS: Final = 21
_NAME: Final = 18
_CELL_WIDTH: Final = CROP_SIDE + _GAP
_CELL_HEIGHT: Final = CROP_SIDE + _PLATE + _NAME + _GAP
_PAPER: Final = "#FFFFFF"
_INK: Final = "#101418"
_ELLIPSIS: Final = "..."
#: Share of its colour in the plate of a probable expression; the rest is white.
_PALE_SHARE: Final = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class SheetFace:
    """One face on a sheet.

    Attributes:
        result: position of its photo among the results.
        number: the face's number in its photo, from 1.
        name: file name of its photo.
        crop: a JPEG of CROP_SIDE pixels.
        level: how much to rely on the prediction.
        words: "Happy", "Probably happy" or "Unclear".
        detail: the confidence, or the expressions between which it is unclear.
        color: "#RRGGBB" of the plate that the words stand on.
        text_color: "#RRGGBB" that can be read on it.
    """

    result: int
    number: int
    name: str
    crop: bytes
    level: Level
    words: str
    detail: str
    color: str
    text_color: str


def sheet_faces(results: Sequence[PhotoResult], table: "pd.DataFrame") -> list[SheetFace]:
    """Return the faces in rows of `batch.results_table`, with the last network's prediction."""
    return [
        _sheet_face(results[position], int(position), int(number))
        for position, number in zip(table[RESULT], table[FACE], strict=True)
        if number
    ]


def sheets_of(faces: Sequence[SheetFace]) -> list[Sequence[SheetFace]]:
    """Return the faces of each sheet."""
    return [faces[i : i + FACES_A_SHEET] for i in range(0, len(faces), FACES_A_SHEET)]


def sheet_file(faces: Sequence[SheetFace]) -> bytes:
    """Return one sheet as a JPEG file's content."""
    return encode_jpeg(draw_sheet(faces))


def sheets_zip(faces: Sequence[SheetFace]) -> bytes:
    """Return a zip of all sheets as JPEGs, made in memory."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for number, sheet in enumerate(sheets_of(faces), start=1):
            archive.writestr(f"contact_sheet_{number:03d}.jpg", sheet_file(sheet))
    return content.getvalue()


def draw_sheet(faces: Sequence[SheetFace]) -> np.ndarray:
    """Return one sheet with 1 to FACES_A_SHEET faces, uint8 (H, W, 3)."""
    columns = min(len(faces), _COLUMNS)
    rows = -(-len(faces) // _COLUMNS)
    size = columns * _CELL_WIDTH + _GAP, rows * _CELL_HEIGHT + _GAP
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, face in enumerate(faces):
        row, column = divmod(i, _COLUMNS)
        left, top = _GAP + column * _CELL_WIDTH, _GAP + row * _CELL_HEIGHT
        with Image.open(io.BytesIO(face.crop), formats=("JPEG",)) as crop:
            sheet.paste(crop, (left, top))
        plate = (left, top + CROP_SIDE, left + CROP_SIDE - 1, top + CROP_SIDE + _PLATE - 1)
        draw.rectangle(plate, fill=face.color, outline=_INK if face.color == _PAPER else None)
        _write(draw, (left, plate[1] + 2), _WORDS, face.words, face.text_color, 14)
        low = plate[1] + _WORDS
        _write(draw, (left, low), _PLATE - _WORDS - 2, face.detail, face.text_color, 11)
        name = face.name.split("/")[-1]
        _write(draw, (left, top + CROP_SIDE + _PLATE), _NAME, name, _INK, 11)
    return np.asarray(sheet)


def _sheet_face(result: PhotoResult, position: int, number: int) -> SheetFace:
    face = result.faces[number - 1]
    prediction = face.main
    level = level_of(prediction)
    color, _ = face_label(face)
    if level is Level.PROBABLE:
        color = _pale(color)
    words, detail = words_of(prediction)
    return SheetFace(
        position,
        number,
        result.name,
        result.crops[number - 1],
        level,
        words.capitalize(),
        detail or percent(prediction.confidence),
        color,
        text_color(color),
    )


def _pale(color: str) -> str:
    rgb = (255 + _PALE_SHARE * (channel - 255) for channel in ImageColor.getrgb(color)[:3])
    return "#" + "".join(f"{round(channel):02X}" for channel in rgb)


def _write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    height: int,
    text: str,
    color: str,
    size: int,
) -> None:
    """Write a line centred in a part of a cell; its end is cut if there is no room."""
    font = ImageFont.load_default(size)
    shown = "".join(c if c.isprintable() else "?" for c in text)
    if draw.textlength(shown, font=font) > CROP_SIDE:
        while shown and draw.textlength(shown + _ELLIPSIS, font=font) > CROP_SIDE:
            shown = shown[:-1]
        shown += _ELLIPSIS
    middle = corner[0] + CROP_SIDE / 2, corner[1] + height / 2
    draw.text(middle, shown, fill=color, font=font, anchor="mm")
