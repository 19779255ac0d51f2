"""Overlays on images: every function returns a new image and does not change its input."""

import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from fer_core.expressions import COLORS
from fer_core.faces.crops import cut, pixel_box
from fer_core.faces.landmarks import (
    LEFT_IRIS,
    RIGHT_IRIS,
    contour_edges,
    keypoints,
    mesh_edges,
)
from fer_core.networks.levels import Level, in_words, level_of
from fer_core.palette import luminance
from fer_core.percent import percent

if TYPE_CHECKING:
    from fer_core.analysis import Analysis, FaceAnalysis
    from fer_core.faces.mediapipe_models import FaceMesh
    from fer_core.live.face import LiveFace
    from fer_core.networks.classifier import Prediction

#: Colour of a face whose expression is unclear; no expression has it.
UNCLEAR_COLOR: Final = "#FFFFFF"
_INK: Final = "#101418"
_PAPER: Final = "#FFFFFF"
#: Label height and line width as shares of the image's long side, so that a photo of any size looks
#: alike when it is shown at the same size.
_TEXT_SHARE: Final = 1 / 34
_LINE_SHARE: Final = 1 / 400
_MIN_TEXT: Final = 11
#: Height of a number that stands alone, as a share of its face's width.
_NUMBER_SHARE: Final = 0.6
#: Radius of a landmark's dot as a share of its face's width.
_POINT_SHARE: Final = 1 / 110
_POINT_COLOR: Final = "#00E5FF"
_JPEG_QUALITY: Final = 88
#: Rows of a canvas that are copied at a time.
_STRIP: Final = 256
#: Weight of the colour where a heatmap is hottest.
_HEAT_SHARE: Final = 0.75
#: Light, so that they show on every skin, and apart for colour-blind people (Okabe and Ito).
MESH_COLOR: Final = "#C8D2D8"
CONTOUR_COLOR: Final = "#56B4E9"
IRIS_COLOR: Final = "#F0E442"
_GAZE_COLOR: Final = "#FF6B35"
_KEYPOINT_COLOR: Final = "#E69F00"
_OWN_KEYPOINT_COLOR: Final = "#CC79A7"


class Overlay(StrEnum):
    """The overlays for a face."""

    MESH = "mesh"
    CONTOURS = "contours"
    IRISES = "irises"
    GAZE = "gaze"
    KEYPOINTS = "keypoints"
    OWN_KEYPOINTS = "15-point model"


def draw_faces(
    image_rgb: np.ndarray,
    analysis: "Analysis",
    *,
    model: str | None = None,
    landmarks: bool = False,
    numbers: Sequence[int] | None = None,
) -> np.ndarray:
    """Return the photo with a numbered box around each face, in the colour of its expression.

    A label that would cover another face or label shrinks to the face's number; in a crowd all do. At its
    peak this takes 7.4 bytes per pixel, the result's three included.

    Args:
        image_rgb: uint8 (H, W, 3), the analysed photo at any scale.
        analysis: of that photo; boxes are scaled from its size to the image's.
        model: whose prediction names the boxes; by default the last, of the network that sees most.
        landmarks: put a dot on each landmark as well.
        numbers: of the faces, in their order; by default from 1.

    Returns:
        uint8 (H, W, 3).
    """
    return _pixels(
        picture_of_faces(image_rgb, analysis, model=model, landmarks=landmarks, numbers=numbers)
    )


def picture_of_faces(
    image_rgb: np.ndarray,
    analysis: "Analysis",
    *,
    model: str | None = None,
    landmarks: bool = False,
    numbers: Sequence[int] | None = None,
) -> Image.Image:
    """Return what `draw_faces` returns as a Pillow image, for 4 bytes per pixel at its peak.

    The arguments are those of `draw_faces`. `encode_jpeg` and `encode_png` take the image as it is.
    """
    canvas = Image.fromarray(image_rgb)
    draw = ImageDraw.Draw(canvas)
    scale = np.array([canvas.width / analysis.width, canvas.height / analysis.height] * 2)
    line = max(2, round(max(canvas.size) * _LINE_SHARE))
    text_size = max(_MIN_TEXT, round(max(canvas.size) * _TEXT_SHARE))
    boxes = [np.round(face.face.box_xyxy * scale).astype(int).tolist() for face in analysis.faces]
    looks = [face_label(face, model) for face in analysis.faces]
    for face, box, (color, _) in zip(analysis.faces, boxes, looks, strict=True):
        if landmarks and face.face.landmarks is not None:
            _draw_points(draw, face.face.landmarks[:, :2] * scale[:2], box)
        _draw_box(draw, box, color, line)
    # Labels are drawn after all boxes, so that no box crosses a label.
    numbers = range(1, len(boxes) + 1) if numbers is None else numbers
    full, short = [], []
    for number, box, (color, words) in zip(numbers, boxes, looks, strict=True):
        number_size = _between(_MIN_TEXT, _NUMBER_SHARE * (box[2] - box[0]), text_size)
        label, lone = (f"{number}  {words}", color), (str(number), color)
        full += _place_labels(draw, canvas.size, box, [label], _font(text_size))
        short += _place_labels(draw, canvas.size, box, [lone], _font(number_size))
    _draw_plates(draw, _without_collisions(full, short, boxes))
    return canvas


def _pixels(canvas: Image.Image) -> np.ndarray:
    """Return the canvas's pixels, uint8 (H, W, 3).

    NumPy would make two copies of a large photo at once on the way; strips keep that small.
    """
    pixels = np.empty((canvas.height, canvas.width, 3), np.uint8)
    for top in range(0, canvas.height, _STRIP):
        bottom = min(top + _STRIP, canvas.height)
        pixels[top:bottom] = np.asarray(canvas.crop((0, top, canvas.width, bottom)))
    return pixels


def draw_live(
    image_rgb: np.ndarray,
    faces: "Sequence[LiveFace]",
    *,
    titles: Mapping[str, str],
    landmarks: bool = True,
) -> np.ndarray:
    """Return a camera frame with a box around each face and every network's prediction.

    Args:
        image_rgb: uint8 (H, W, 3).
        faces: in its coordinates.
        titles: what stands before each network's answer, by the name of its bundle.
        landmarks: draw the contours of eyes, brows, lips and face as well.

    Returns:
        uint8 (H, W, 3).
    """
    shown = image_rgb.copy()
    for face in faces if landmarks else ():
        if (points := face.face.landmarks) is not None:
            width = max(1, round(face.width * _POINT_SHARE))
            for name, edges in contour_edges().items():
                color = IRIS_COLOR if name.endswith("iris") else CONTOUR_COLOR
                _draw_lines(shown, points, edges, color, width)
    canvas = Image.fromarray(shown)
    draw = ImageDraw.Draw(canvas)
    line = max(2, round(max(canvas.size) * _LINE_SHARE))
    font = _font(max(_MIN_TEXT, round(max(canvas.size) * _TEXT_SHARE)))
    for face in faces:
        box = np.round(face.face.box_xyxy).astype(int).tolist()
        labels = []
        color = UNCLEAR_COLOR
        for name, prediction in face.predictions.items():
            color, words = _look_of(prediction)
            labels.append((f"{titles.get(name, name)} {words}", color))
        if len(faces) > 1 and labels:
            labels[0] = f"{face.number}  {labels[0][0]}", labels[0][1]
        _draw_box(draw, box, color, line)
        _draw_plates(draw, _place_labels(draw, canvas.size, box, labels, font, below=True))
    return _pixels(canvas)


def draw_landmarks(
    image_rgb: np.ndarray,
    landmarks: np.ndarray,
    overlays: "Collection[Overlay]",
    *,
    own_keypoints: np.ndarray | None = None,
) -> np.ndarray:
    """Return an image of one face with the chosen overlays on it.

    Args:
        image_rgb: uint8 (H, W, 3).
        landmarks: float (478, 2 or 3), pixels of that image.
        overlays: what to draw; lines lie under points.
        own_keypoints: float (15, 2), by `fer_core.networks.keypoints`, for the overlay that shows them.

    Returns:
        uint8 (H, W, 3).
    """
    import cv2

    canvas = image_rgb.copy()
    unit = max(1, round(float(np.ptp(landmarks[:, 0])) * _POINT_SHARE / 2))

    if Overlay.MESH in overlays:
        _draw_lines(canvas, landmarks, mesh_edges(), MESH_COLOR, unit)
    contours = contour_edges()
    irises = [name for name in contours if name.endswith("iris")]
    if Overlay.CONTOURS in overlays:
        for name in contours.keys() - irises:
            _draw_lines(canvas, landmarks, contours[name], CONTOUR_COLOR, 2 * unit)
    if Overlay.IRISES in overlays:
        for name in irises:
            _draw_lines(canvas, landmarks, contours[name], IRIS_COLOR, 2 * unit)

    def dots(points: np.ndarray, color: str) -> None:
        for x, y in np.round(points * 16).astype(int).tolist():
            for radius, ink in ((4 * unit, _INK), (3 * unit, color)):
                cv2.circle(canvas, (x, y), 16 * radius, ImageColor.getrgb(ink), -1, cv2.LINE_AA, 4)

    if Overlay.KEYPOINTS in overlays:
        dots(keypoints(landmarks), _KEYPOINT_COLOR)
    if Overlay.OWN_KEYPOINTS in overlays and own_keypoints is not None:
        dots(own_keypoints, _OWN_KEYPOINT_COLOR)
    return canvas


def draw_face_landmarks(
    image_rgb: np.ndarray,
    mesh: "FaceMesh",
    overlays: "Collection[Overlay]",
    *,
    box_xyxy: np.ndarray,
    side: int,
    own_keypoints: np.ndarray | None = None,
) -> np.ndarray:
    """Return a face, cropped from its photo and enlarged, with overlays.

    Args:
        image_rgb: uint8 (H, W, 3), the photo.
        mesh: in its coordinates.
        overlays: what to draw.
        box_xyxy: float (4,), the square of the photo to show.
        side: of the result in pixels.
        own_keypoints: float (15, 2), in the photo's coordinates, as for `draw_landmarks`.

    Returns:
        uint8 (side, side, 3).
    """
    left, top, right, _ = pixel_box(box_xyxy)
    shown = fit_long_side(cut(image_rgb, box_xyxy), smallest=side, largest=side)

    def placed(points: np.ndarray) -> np.ndarray:
        return (points - np.array([left, top], np.float32)) * (side / (right - left))

    drawn = draw_landmarks(
        shown,
        placed(mesh.landmarks[:, :2]),
        overlays,
        own_keypoints=None if own_keypoints is None else placed(own_keypoints),
    )
    if Overlay.GAZE in overlays:
        _draw_gaze(drawn, mesh, placed(mesh.landmarks[[RIGHT_IRIS, LEFT_IRIS], :2]))
    return drawn


def _draw_gaze(canvas: np.ndarray, mesh: "FaceMesh", irises: np.ndarray) -> None:
    """Draw an arrow from each iris, float (2, 2), where the person looks; none where both eyes are closed.

    An arrow across the image is as long as the irises are apart; one towards the camera is a point.
    """
    import cv2

    from fer_core.faces.gaze import gaze

    seen = gaze(mesh)
    if seen is None:
        return
    yaw, pitch = math.radians(seen.camera_yaw), math.radians(seen.camera_pitch)
    apart = float(np.linalg.norm(irises[1] - irises[0]))
    arrow = apart * np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch)])
    color, width = ImageColor.getrgb(_GAZE_COLOR), max(2, round(len(canvas) / 240))
    for iris in irises:
        start, end = (tuple(int(v) for v in np.rint(at)) for at in (iris, iris + arrow))
        cv2.arrowedLine(canvas, start, end, color, width, cv2.LINE_AA, tipLength=0.25)


def draw_heatmap(image_rgb: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Return an image in grey with a heatmap over it; cold places stay visible.

    Args:
        image_rgb: uint8 (H, W, 3).
        heatmap: float (h, w) in [0, 1], of the same place at any size.

    Returns:
        uint8 (H, W, 3).
    """
    import cv2

    height, width = image_rgb.shape[:2]
    heat = cv2.resize(heatmap.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    heat = np.clip(heat, 0, 1)
    grey = cv2.cvtColor(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    colors = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = (_HEAT_SHARE * heat)[..., None]
    return ((1 - share) * grey + share * colors).astype(np.uint8)


def fit_long_side(image_rgb: np.ndarray, *, smallest: int, largest: int) -> np.ndarray:
    """Return the image scaled so that its long side is in a range and labels are readable.

    Args:
        image_rgb: uint8 (H, W, 3).
        smallest: least long side in pixels; smaller images are enlarged.
        largest: greatest long side in pixels.

    Returns:
        uint8 (h, w, 3); the very input if its size is right already.
    """
    height, width = image_rgb.shape[:2]
    factor = min(max(height, width, smallest), largest) / max(height, width)
    if factor == 1:
        return image_rgb
    import cv2

    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # OpenCV reads the array as it is; Pillow would copy all of a large photo first.
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LANCZOS4
    return cv2.resize(image_rgb, size, interpolation=interpolation)


def encode_png(image: np.ndarray | Image.Image) -> bytes:
    """Return the image, uint8 (H, W, 3) or an RGB image of Pillow's, encoded as PNG."""
    file = io.BytesIO()
    # The fastest level: the others save a few percent of a photo for several times the wait.
    _as_picture(image).save(file, format="PNG", compress_level=1)
    return file.getvalue()


def encode_jpeg(image: np.ndarray | Image.Image) -> bytes:
    """Return the image, uint8 (H, W, 3) or an RGB image of Pillow's, encoded as JPEG.

    It has a tenth of a PNG's size.
    """
    file = io.BytesIO()
    _as_picture(image).save(file, format="JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _as_picture(image: np.ndarray | Image.Image) -> Image.Image:
    return image if isinstance(image, Image.Image) else Image.fromarray(image)


def face_label(face: "FaceAnalysis", model: str | None = None) -> tuple[str, str]:
    """Return the colour and the text of a face's label; `model` as for `draw_faces`."""
    prediction = (
        face.predictions.get(model) if model else next(reversed(face.predictions.values()), None)
    )
    return (UNCLEAR_COLOR, "face") if prediction is None else _look_of(prediction)


def _look_of(prediction: "Prediction") -> tuple[str, str]:
    """Return the colour and the text of a prediction."""
    words = in_words(prediction)
    if level_of(prediction) is Level.UNCLEAR:
        return UNCLEAR_COLOR, words
    return COLORS[prediction.expression], f"{words} {percent(prediction.confidence)}"


def _between(low: int, value: float, high: int) -> int:
    return min(max(low, round(value)), high)


def _draw_box(draw: ImageDraw.ImageDraw, box: list[int], color: str, line: int) -> None:
    left, top, right, bottom = box
    # A dark rim and a coloured line inside it are visible on any background.
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_INK, width=line + 2)
    draw.rectangle((left, top, right, bottom), outline=color, width=line)


def _draw_lines(
    canvas: np.ndarray, landmarks: np.ndarray, edges: np.ndarray, color: str, width: int
) -> None:
    """Draw the edges, int (E, 2), between landmarks, on the canvas itself."""
    import cv2

    # In sixteenths of a pixel; with whole pixels the mesh jitters.
    pairs = np.round(landmarks[edges][..., :2] * 16).astype(np.int32)
    cv2.polylines(canvas, list(pairs), False, ImageColor.getrgb(color), width, cv2.LINE_AA, 4)


def _draw_points(draw: ImageDraw.ImageDraw, points: np.ndarray, box: list[int]) -> None:
    """Draw dots whose size depends on the face, so that a small face stays visible."""
    radius = max(0.5, (box[2] - box[0]) * _POINT_SHARE)
    for x, y in points.tolist():
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_POINT_COLOR)


@dataclass(frozen=True, slots=True)
class _Plate:
    """A text on a ground of its colour.

    Attributes:
        text: on it.
        color: of the ground, "#RRGGBB".
        font: of the text.
        box: left, top, right, bottom of the ground, pixels of the image.
        text_at: where Pillow puts the text, x and y.
    """

    text: str
    color: str
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    box: tuple[int, int, int, int]
    text_at: tuple[float, float]


def _without_collisions(
    full: Sequence[_Plate], short: Sequence[_Plate], boxes: Sequence[Sequence[int]]
) -> list[_Plate]:
    """Return each face's full label where it covers no other face and no other label, else the short one.

    Where most do not fit, all are short: in a crowd, a few full labels would draw the eye to their faces.

    Args:
        full: per face.
        short: per face; they have room, or must do without it.
        boxes: of the faces.
    """
    shown: list[_Plate] = []
    for i, plate in enumerate(full):
        others = [*boxes[:i], *boxes[i + 1 :], *(p.box for p in (*shown, *short[i + 1 :]))]
        shown.append(short[i] if any(_overlap(plate.box, other) for other in others) else plate)
    n_full = sum(plate is whole for plate, whole in zip(shown, full, strict=True))
    return shown if 2 * n_full >= len(full) else list(short)


def _overlap(one: Sequence[int], other: Sequence[int]) -> bool:
    """Return whether two boxes, left, top, right, bottom, share a pixel."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _place_labels(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    box: list[int],
    labels: Sequence[tuple[str, str]],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    *,
    below: bool = False,
) -> list[_Plate]:
    """Return coloured plates for texts above the box, or inside it at the edge of the image.

    With `below`, what finds no room above goes below the box if there is room.
    """
    image_width, image_height = size
    boxes = [draw.textbbox((0, 0), text, font=font) for text, _ in labels]
    margins = [max(2, round((bottom - top) * 0.3)) for _, top, _, bottom in boxes]
    heights = [int(b[3] - b[1]) + 2 * m for b, m in zip(boxes, margins, strict=True)]
    height = sum(heights)
    if box[1] >= height:
        y = int(box[1] - height)
    elif below and box[3] + height <= image_height:
        y = box[3]
    else:
        y = min(max(box[1], 0), max(image_height - height, 0))
    plates = []
    for (text, color), (left, top, right, _), margin, plate in zip(
        labels, boxes, margins, heights, strict=True
    ):
        width = round(right - left) + 2 * margin
        x = int(min(max(box[0], 0), max(image_width - width, 0)))
        text_at = (x + margin - left, y + margin - top)
        plates.append(_Plate(text, color, font, (x, y, x + width, y + plate), text_at))
        y += plate
    return plates


def _draw_plates(draw: ImageDraw.ImageDraw, plates: Iterable[_Plate]) -> None:
    for plate in plates:
        radius = max(2, (plate.box[3] - plate.box[1]) // 5)
        draw.rounded_rectangle(plate.box, radius=radius, fill=plate.color, outline=_INK, width=1)
        draw.text(plate.text_at, plate.text, fill=text_color(plate.color), font=plate.font)


def text_color(ground: str) -> str:
    """Return near-black or white, whichever has more contrast with "#RRGGBB" (WCAG 2.2)."""
    light, ink = (luminance(ImageColor.getrgb(color)[:3]) + 0.05 for color in (ground, _INK))
    return _INK if light / ink >= 1.05 / light else _PAPER


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's built-in font, because a server may have no other."""
    return ImageFont.load_default(size)
