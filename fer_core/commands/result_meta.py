"""`FILE.meta.json` beside a results file: what its predictions depend on.

A run that resumes the file must have the same, or its results would be mixed with others.
"""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from fer_core.annotate.answering import Answering, differences
from fer_core.errors import FerError
from fer_core.face_columns import FaceChoice
from fer_core.files import replace_text
from fer_core.networks.bundles import Part

_SUFFIX: Final = ".meta.json"


class ResultMetaError(FerError):
    """A results file was begun under other conditions, or what stands beside it cannot be read or written."""


class ResultMeta(Part):
    """The content of `FILE.meta.json`.

    Attributes:
        answering: what the predictions depend on besides the photos.
        faces: which faces of a photo have a record.
    """

    answering: Answering
    faces: FaceChoice = FaceChoice.ALL


def meta_path(results: Path) -> Path:
    """Return where the meta file of a results file is."""
    return results.with_name(f"{results.name}{_SUFFIX}")


def write_meta(results: Path, meta: ResultMeta) -> None:
    """Write the meta file of a results file atomically; raise ResultMetaError if that fails."""
    path = meta_path(results)
    try:
        replace_text(path, meta.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise ResultMetaError(
            f"{path} cannot be written: {error.strerror}. Check the folder and its permissions."
        ) from error


def check_meta(results: Path, meta: ResultMeta) -> None:
    """Compare a run with the meta file of the results that it continues, if there is one.

    Files of earlier versions have none.

    Raises:
        ResultMetaError: they differ, or the meta file cannot be read.
    """
    path = meta_path(results)
    try:
        begun = ResultMeta.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValidationError) as error:
        raise ResultMetaError(
            f"{path} cannot be read, or is of another version of this program "
            f"({str(error).splitlines()[0]}). Delete it to continue {results.name} without its check."
        ) from error
    if changes := differences(begun, meta):
        raise ResultMetaError(
            f"{results} cannot be resumed, because it was begun with other settings: {'; '.join(changes)}. "
            f"Give another name, or the earlier settings. To mix both in one file, delete {path.name}."
        )
