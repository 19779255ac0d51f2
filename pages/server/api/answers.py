"""The API's responses as types, with the descriptions for OpenAPI, the API page and docs/api.md.

`fer_core.records.to_record` makes the response about a photo; a test checks that it has exactly these fields.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from fer_core.expressions import Expression
from fer_core.faces.finder import Framing
from fer_core.faces.quality import Quality
from fer_core.networks.levels import Level

_N_LANDMARKS: Final = 478

Share = Annotated[float, Field(ge=0, le=1)]
Box = Annotated[list[float], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=3, max_length=3)]


class HeadPose(BaseModel):
    """Rotation of a head in degrees."""

    pitch: float
    yaw: float
    roll: float


class Prediction(BaseModel):
    """One network's prediction for one face."""

    expression: Expression = Field(description="The most probable expression.")
    confidence: Share = Field(
        description="Probability of that expression, calibrated on validation faces of the network."
    )
    abstained: bool = Field(
        description="Whether the confidence is below the network's threshold, or it is unknown which way "
        "up the face is: probable or unclear."
    )
    level: Level = Field(
        description='Level of confidence: "confident"; "probable", below the threshold with one expression '
        'clearly first; or "unclear".'
    )
    probabilities: dict[str, Share] = Field(
        description="Probability of each expression that the network knows; they sum to 1."
    )


class Face(BaseModel):
    """One face."""

    box_xyxy: Box = Field(description="Left, top, right, bottom, in pixels of the upright photo.")
    stored_box_xyxy: Box = Field(
        description="The same box in the file's own rows and columns, before the photo was turned."
    )
    detector_confidence: Share = Field(description="The face detector's score.")
    head_pose_degrees: HeadPose | None = Field(
        description="Rotation of the head; null without landmarks."
    )
    landmarks_found: bool = Field(description="Whether the face's landmarks were found.")
    quality: list[Quality] = Field(description="Reasons for caution; empty for most faces.")
    main_network: str = Field(
        description="Name of the network whose prediction labels the face: the last of those that answered."
    )
    predictions: dict[str, Prediction] = Field(
        description="One prediction per network, by its name."
    )
    landmarks: (
        Annotated[list[Point], Field(min_length=_N_LANDMARKS, max_length=_N_LANDMARKS)] | None
    ) = Field(
        default=None,
        description=f"Only with landmarks=1: x, y and z of {_N_LANDMARKS} points in pixels; null if none "
        "were found.",
    )
    measures: dict[str, float | None] | None = Field(
        default=None,
        description="Only with columns=full: action units, blendshapes, gaze, openings and 68 landmarks by "
        "name; null without landmarks.",
    )


class Photo(BaseModel):
    """Every face of a photo, as `python -m fer_core analyze` prints it."""

    path: None = Field(description="Always null: the server does not read file names.")
    width: int = Field(ge=1, description="Width of the upright photo in pixels.")
    height: int = Field(ge=1, description="Height of the upright photo in pixels.")
    turned_degrees: int = Field(
        description="Counter-clockwise rotation that made the photo upright, in addition to EXIF."
    )
    framing: Framing = Field(
        description='"photo", or "crop" for a small square image filled by one face.'
    )
    smallest_face_pixels: int = Field(
        description="Side in pixels of the smallest face that was searched for. Faces below a tenth of the "
        "largest are ignored."
    )
    faces: list[Face] = Field(description="The faces in reading order; empty if none was found.")
    seconds: float = Field(description="Duration of the analysis, without decoding and waiting.")
    error: None = Field(description="Always null: errors have their own status code.")


class Measured(BaseModel):
    """A network's measured accuracy on one split of a data set."""

    n: int = Field(description="Number of faces in the split.")
    accuracy: Share = Field(description="Share of correct predictions.")
    n_clean: int = Field(description="Number of faces without a duplicate in the training data.")
    accuracy_clean: Share = Field(description="Share of correct predictions among these.")
    coverage: Share = Field(description="Share of faces whose confidence reaches the threshold.")
    selective_accuracy: Share = Field(description="Share of correct predictions among those faces.")


class Network(BaseModel):
    """One network."""

    name: str = Field(description="The network's name in `networks` and `predictions`.")
    title: str = Field(description="What it is, for people.")
    is_default: bool = Field(description="Whether it is used if the request names no network.")
    labels: list[Expression] = Field(description="The expressions that the network knows.")
    sees_pixels: bool = Field(description="Whether it sees the pixels of a face.")
    sees_landmarks: bool = Field(description="Whether it sees the landmarks of a face.")
    parameters: int = Field(description="Number of weights.")
    abstention_threshold: float = Field(
        ge=0, description="Confidence below which `abstained` is true; above 1 it is always true."
    )
    license: str = Field(description="Licence of the weights.")
    weights_sha256: str = Field(description="SHA-256 of the weight file that predicts.")
    not_from_hub: str | None = Field(
        description="Why the weights on the Hub that the server names are not used; null if they are, or "
        "none are named."
    )
    measured: dict[str, Measured] = Field(description='Measured accuracy by "data set:split".')


class Networks(BaseModel):
    """The available networks."""

    networks: list[Network]


class Health(BaseModel):
    """A server whose default networks are loaded."""

    status: Literal["ready"] = Field(description="Always ready: otherwise the status is 503.")
    version: str = Field(description="Version of Second Look.")
    networks: dict[str, str | None] = Field(
        description="SHA-256 of the weights of each default network by its name; null if they come from the "
        "Hub, which is asked at the first photo."
    )


class Error(BaseModel):
    """An error."""

    error: str = Field(description="A sentence that says what is wrong and how to fix it.")


#: The parts of the responses about a photo and about the networks, by their path in the JSON.
PARTS: Final[dict[str, type[BaseModel]]] = {
    "answer": Photo,
    "answer.faces[]": Face,
    "answer.faces[].predictions[NETWORK]": Prediction,
    "networks[]": Network,
    'networks[].measured["data set:split"]': Measured,
}


def described_fields(part: type[BaseModel]) -> dict[str, str]:
    """Return the description of each field of a part, by its name."""
    return {name: field.description or "" for name, field in part.model_fields.items()}
