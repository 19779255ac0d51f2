"""How much a table or a JSON object says of each face."""

from enum import StrEnum


class FaceColumns(StrEnum):
    """The columns of a face beside its predictions."""

    #: Box, head pose, quality.
    BASIC = "basic"
    #: Also the measures of `fer_core.faces.face_measures`.
    FULL = "full"
