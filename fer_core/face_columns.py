"""Which faces of a photo a table or a JSON object has, and how much it says of each."""

from enum import StrEnum

from fer_core.errors import InputError


class FaceColumns(StrEnum):
    """The columns of a face beside its predictions."""

    #: Box, head pose, quality.
    BASIC = "basic"
    #: Also the measures of `fer_core.faces.face_measures`.
    FULL = "full"


def face_columns(name: str) -> FaceColumns:
    """Return the columns of a name, for the Python API; raise InputError if there are none of it."""
    try:
        return FaceColumns(name)
    except ValueError as error:
        known = " or ".join(repr(str(value)) for value in FaceColumns)
        raise InputError(f"columns must be {known}, got {name!r}.") from error


class FaceChoice(StrEnum):
    """The faces of a photo that get a row."""

    ALL = "all"
    #: The one with the largest box.
    LARGEST = "largest"
