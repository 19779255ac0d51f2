"""The results of many photos, one by one, as a table, and as files to download.

Photos are decoded one at a time and let go; what stays of one is its analysis and small crops of its faces.
"""

import io
import json
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from fer_core.analysis import Analysis, Analyzer, FaceAnalysis
from fer_core.batch.inputs import PhotoSource
from fer_core.drawing import encode_jpeg, fit_long_side, picture_of_faces
from fer_core.errors import AnalysisError, ImageDecodeError, TooManyFacesError
from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns
from fer_core.faces.crops import cut
from fer_core.faces.quality import QUALITY_WORDS
from fer_core.files import plain_stem
from fer_core.networks.levels import Level, in_words, level_of
from fer_core.photos.decode import decode
from fer_core.photos.faults import unexpected
from fer_core.records import csv_lines, error_record, escape_formula, to_record

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Side in pixels of the crops that are kept, 4 KB each.
CROP_SIDE: Final = 112
#: Longest side in pixels of annotated photos: the zip of 500 is then some 150 MB.
ANNOTATED_SIDE: Final = 1600
#: Columns of the table that belong to no single network.
RESULT, PHOTO, FACE, OUTCOME, AGREEMENT, NOTES, ERROR = (
    "result",
    "photo",
    "face",
    "outcome",
    "agreement",
    "notes",
    "error",
)


class Outcome(StrEnum):
    """The level of confidence in a face's expression, or why a photo has no face."""

    CONFIDENT = str(Level.CONFIDENT)
    PROBABLE = str(Level.PROBABLE)
    UNCLEAR = str(Level.UNCLEAR)
    NO_FACE = "no face"
    UNREADABLE = "not readable"


class Agreement(StrEnum):
    """Whether all networks find the same expression most likely."""

    AGREE = "agree"
    DISAGREE = "disagree"


@dataclass(frozen=True, slots=True, eq=False)
class PhotoResult:
    """The stored results of one photo.

    Attributes:
        name: file name as given.
        analysis: of the photo; None for a file that could not be read.
        error: why it could not be.
        failed: whether the reason may be temporary: the file is a photo, but its analysis failed.
        crops: a JPEG of CROP_SIDE pixels for each face, framed like the networks' input.
    """

    name: str
    analysis: Analysis | None
    error: str | None = None
    failed: bool = False
    crops: tuple[bytes, ...] = ()

    def record(self, columns: FaceColumns = FaceColumns.BASIC) -> dict[str, Any]:
        """Return the JSON object, as `analyze` prints it."""
        if self.analysis is None:
            return error_record(self.name, self.error or "")
        return to_record(self.name, self.analysis, columns=columns)

    @property
    def faces(self) -> tuple[FaceAnalysis, ...]:
        """The faces; empty for a file that could not be read."""
        return self.analysis.faces if self.analysis else ()


def look_at(file: PhotoSource, analyzer: Analyzer) -> PhotoResult:
    """Analyze a photo and return its results; a file that cannot be read gives a result with the reason."""
    try:
        photo = decode(file.read())
        analysis = analyzer.analyze(photo)
    except (ImageDecodeError, AnalysisError) as error:
        again = isinstance(error, AnalysisError) and not isinstance(error, TooManyFacesError)
        return PhotoResult(file.name, None, str(error), failed=again)
    except Exception as error:
        # One photo of many that trips a library must not end the batch.
        return PhotoResult(file.name, None, unexpected(error), failed=True)
    rgb = analysis.shown(photo).rgb
    crops = tuple(_crop(rgb, face) for face in analysis.faces)
    return PhotoResult(file.name, analysis, crops=crops)


def results_table(results: Sequence[PhotoResult], networks: Sequence[str]) -> "pd.DataFrame":
    """Return the table that the page shows: one row per face, and one row per photo without a face.

    Downloads have other columns, those of `fer_core.records`.

    Args:
        results: one per photo.
        networks: names of the networks that were asked.

    Returns:
        Columns `result` (position in `results`), `photo` (its name, safe in a spreadsheet), `face` (from 1; 0
        for none); for each network its name (the most likely expression), its name with " confidence" (0 to
        1), with " level" (a `Level`) and with " words" (the prediction in words); `outcome` (an `Outcome`, by
        the last network that answered), `agreement` (an `Agreement`; empty for fewer than two networks),
        `notes` and `error`.
    """
    import pandas as pd

    texts = [c for name in networks for c in (name, level_column(name), words_column(name))]
    nothing = dict.fromkeys([*texts, OUTCOME, AGREEMENT, NOTES, ERROR], "")
    rows: list[dict[str, Any]] = []
    for position, result in enumerate(results):
        photo = nothing | {RESULT: position, PHOTO: escape_formula(result.name)}
        if not result.faces:
            outcome = Outcome.NO_FACE if result.analysis else Outcome.UNREADABLE
            rows.append(photo | {FACE: 0, OUTCOME: str(outcome), ERROR: result.error or ""})
        for number, face in enumerate(result.faces, start=1):
            rows.append(photo | {FACE: number} | _face_row(face))
    confidences = [confidence_column(name) for name in networks]
    columns = [RESULT, PHOTO, FACE, *texts, *confidences, OUTCOME, AGREEMENT, NOTES, ERROR]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(confidences, "float64"))


def summary(table: "pd.DataFrame") -> str:
    """Return how much a table of `results_table` has: "2 faces in 3 photos, 1 file not readable"."""
    photos = table.drop_duplicates(RESULT)
    unreadable = int((photos[OUTCOME] == Outcome.UNREADABLE).sum())
    faces = counted(int((table[FACE] > 0).sum()), "face")
    text = f"{faces} in {counted(len(photos) - unreadable, 'photo')}"
    return f"{text}, {counted(unreadable, 'file')} not readable" if unreadable else text


def counted(n: int, thing: str) -> str:
    """Return a number with its noun: "1 face", "2,000 faces"."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def confidence_column(network: str) -> str:
    """Return the name of the column with a network's confidence."""
    return f"{network} confidence"


def level_column(network: str) -> str:
    """Return the name of the column with the level of a network's confidence."""
    return f"{network} level"


def words_column(network: str) -> str:
    """Return the name of the column with a network's prediction in words."""
    return f"{network} words"


def outcome_of(face: FaceAnalysis) -> Outcome:
    """Return the level of confidence of a face's main prediction."""
    return Outcome(level_of(face.main))


def agreement_of(face: FaceAnalysis) -> Agreement | None:
    """Return whether the networks find the same expression most likely; None for fewer than two."""
    if len(face.predictions) < 2:
        return None
    return Agreement.AGREE if face.networks_agree else Agreement.DISAGREE


def select_rows(
    table: "pd.DataFrame",
    networks: Sequence[str],
    *,
    outcomes: Collection[str] = (),
    agreements: Collection[str] = (),
    expressions: Collection[str] = (),
) -> "pd.DataFrame":
    """Return the rows with one of these outcomes, agreements, and expressions of any network.

    Empty collections leave nothing out.
    """
    if outcomes:
        table = table[table[OUTCOME].isin(list(outcomes))]
    if agreements:
        table = table[table[AGREEMENT].isin(list(agreements))]
    if expressions:
        table = table[table[list(networks)].isin(list(expressions)).any(axis=1)]
    return table


def results_csv(
    results: Sequence[PhotoResult],
    labels: Mapping[str, Iterable[Expression]],
    *,
    rows: "pd.DataFrame | None" = None,
    columns: FaceColumns = FaceColumns.BASIC,
) -> str:
    """Return the CSV of `analyze --format csv`.

    Args:
        results: one per photo.
        labels: each network's classes.
        rows: of `results_table`, of the same results, to keep; by default all.
        columns: of each face.
    """
    faces = None
    if rows is not None:
        kept = rows.groupby(RESULT)[FACE].agg(set)
        faces = [kept.get(position, set()) for position in range(len(results))]
    records = (result.record(columns) for result in results)
    return "".join(csv_lines(records, labels, faces=faces, columns=columns))


def results_json(
    results: Sequence[PhotoResult], *, columns: FaceColumns = FaceColumns.BASIC
) -> str:
    """Return a list of the JSON objects that `analyze` prints."""
    records = [result.record(columns) for result in results]
    return json.dumps(records, indent=2, ensure_ascii=False)


class AnnotatedZip:
    """A zip, made in memory, of photos with their faces marked, as JPEGs of at most ANNOTATED_SIDE pixels."""

    def __init__(self) -> None:
        """Create an empty zip."""
        self._content = io.BytesIO()
        # JPEGs are not compressible.
        self._archive = zipfile.ZipFile(self._content, "w", zipfile.ZIP_STORED)
        #: Photos that were readable before and are not any more.
        self.n_left_out = 0

    def add(self, number: int, file: PhotoSource, result: PhotoResult) -> None:
        """Add a photo, unless it cannot be read.

        Args:
            number: of the photo among all: those of several folders may share a name.
            file: the photo.
            result: what was found in it.
        """
        if result.analysis is None:
            return
        try:
            photo = decode(file.read())
        except ImageDecodeError:
            # Memory is short: a file that was readable before is not damaged.
            self.n_left_out += 1
            return
        photo = result.analysis.shown(photo)
        shown = fit_long_side(photo.rgb, smallest=1, largest=ANNOTATED_SIDE)
        content = encode_jpeg(picture_of_faces(shown, result.analysis))
        self._archive.writestr(f"{number:04d}-{plain_stem(result.name)}.jpg", content)

    def finish(self) -> bytes:
        """Return the finished zip; nothing can be added afterwards."""
        self._archive.close()
        return self._content.getvalue()


def _face_row(face: FaceAnalysis) -> dict[str, Any]:
    row: dict[str, Any] = {
        OUTCOME: str(outcome_of(face)),
        AGREEMENT: str(agreement_of(face) or ""),
        NOTES: ", ".join(QUALITY_WORDS[note.code] for note in face.quality),
    }
    for name, prediction in face.predictions.items():
        row |= {
            name: str(prediction.expression),
            confidence_column(name): prediction.confidence,
            level_column(name): str(level_of(prediction)),
            words_column(name): in_words(prediction),
        }
    return row


def _crop(image_rgb: "np.ndarray", face: FaceAnalysis) -> bytes:
    crop = cut(image_rgb, face.square_xyxy)
    return encode_jpeg(fit_long_side(crop, smallest=CROP_SIDE, largest=CROP_SIDE))
