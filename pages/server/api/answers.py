"""The answers of the API as types: what OpenAPI, the page and the documents tell of them.

The answer about a photo is made by `fer_core.records.to_record`; a test holds that it has just these fields.
"""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from fer_core.expressions import Expression
from fer_core.faces.finder import Framing
from fer_core.faces.quality import Quality

_N_LANDMARKS: Final = 478

Share = Annotated[float, Field(ge=0, le=1)]
Box = Annotated[list[float], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=3, max_length=3)]


class HeadPose(BaseModel):
    """How a head is turned, in degrees."""

    pitch: float
    yaw: float
    roll: float


class Prediction(BaseModel):
    """What one network says of one face."""

    expression: Expression = Field(description="The most probable expression.")
    confidence: Share = Field(description="Its calibrated probability.")
    abstained: bool = Field(
        description="Whether the confidence is below the network's threshold: probable or unclear."
    )
    probabilities: dict[str, Share] = Field(
        description="Of each expression that the network knows; they sum to 1."
    )


class Face(BaseModel):
    """One face."""

    box_xyxy: Box = Field(description="Left, top, right, bottom, in pixels of the upright photo.")
    stored_box_xyxy: Box = Field(
        description="The same in the file's own rows and columns, before the photo was turned."
    )
    detector_confidence: Share = Field(description="How sure it is that this is a face.")
    head_pose_degrees: HeadPose | None = Field(
        description="Pitch, yaw and roll of the head; null without landmarks."
    )
    landmarks_found: bool = Field(description="Whether the face's landmarks were found.")
    quality: list[Quality] = Field(description="Reasons for caution; empty for most faces.")
    predictions: dict[str, Prediction] = Field(description="By the name of the network.")
    landmarks: (
        Annotated[list[Point], Field(min_length=_N_LANDMARKS, max_length=_N_LANDMARKS)] | None
    ) = Field(
        default=None,
        description=f"With landmarks=1 alone: {_N_LANDMARKS} points, x, y and z in pixels; null where none "
        "were found.",
    )


class Photo(BaseModel):
    """Every face of a photo, as `second-look analyze` prints it."""

    path: None = Field(description="Always null: names of files are not read.")
    width: int = Field(ge=1, description="Pixels of the upright photo.")
    height: int = Field(ge=1, description="Pixels of the upright photo.")
    turned_degrees: int = Field(
        description="Counter-clockwise turn that made the photo upright, after EXIF's."
    )
    framing: Framing = Field(
        description='"photo", or "crop" for a small square image that one face fills.'
    )
    smallest_face_pixels: int = Field(
        description="Side of the smallest face that was looked for. No face below a tenth of the largest is."
    )
    faces: list[Face] = Field(description="In reading order; empty if there is none.")
    seconds: float = Field(description="Time of the analysis, without decoding and waiting.")
    error: None = Field(description="Always null: errors have a status of their own.")


class Measured(BaseModel):
    """What a network was measured to be worth on one split of a data set."""

    n: int = Field(description="Faces of the split.")
    accuracy: Share = Field(description="Share that is answered as labelled.")
    n_clean: int = Field(description="Faces without a copy in the training data.")
    accuracy_clean: Share = Field(description="Share of these that is answered as labelled.")
    coverage: Share = Field(description="Share that is confident, so not abstained.")
    selective_accuracy: Share = Field(description="Share of the answered that is as labelled.")


class Network(BaseModel):
    """One network."""

    name: str = Field(description="What `networks` and `predictions` call it.")
    title: str
    is_default: bool = Field(description="Whether it answers where no network is named.")
    labels: list[Expression] = Field(description="The expressions that it knows.")
    sees_pixels: bool
    sees_landmarks: bool
    parameters: int = Field(description="Number of weights.")
    abstention_threshold: Share = Field(description="Confidence below which it abstains.")
    license: str = Field(description="Of the weights.")
    measured: dict[str, Measured] = Field(description='By "data set:split".')


class Networks(BaseModel):
    """The networks that can be asked."""

    networks: list[Network]


class Error(BaseModel):
    """What went wrong."""

    error: str = Field(description="A sentence that says what came and what to do.")


#: What an answer about a photo consists of, by the path that leads there.
PARTS: Final[dict[str, type[BaseModel]]] = {
    "answer": Photo,
    "answer.faces[]": Face,
    "answer.faces[].predictions[NETWORK]": Prediction,
}


def described_fields(part: type[BaseModel]) -> dict[str, str]:
    """Return what each field of a part is, by its name."""
    return {name: field.description or "" for name, field in part.model_fields.items()}
