import io
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageColor

from fer_core.analysis import Analysis, FaceAnalysis
from fer_core.drawing import (
    UNCLEAR_COLOR,
    Overlay,
    draw_face_landmarks,
    draw_faces,
    draw_heatmap,
    draw_landmarks,
    encode_jpeg,
    encode_png,
    fit_long_side,
    picture_of_faces,
    text_color,
)
from fer_core.expressions import COLORS, FER2013, Expression
from fer_core.faces.crops import FaceInputs, scaled_square
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import KEYPOINTS, LEFT_IRIS, RIGHT_IRIS, keypoints
from fer_core.faces.mediapipe_models import FaceMesh
from fer_core.networks.classifier import Prediction
from tests.conftest import PROJECT

GREY = 90


def prediction(expression: Expression, *, confidence: float = 0.9) -> Prediction:
    rest = (1 - confidence) / (len(FER2013) - 1)
    probabilities = np.full(len(FER2013), rest, dtype=np.float32)
    probabilities[FER2013.index(expression)] = confidence
    return Prediction(FER2013.labels, probabilities, 0.5)


def analysis(width: int, height: int, *faces: tuple[tuple[float, ...], Prediction]) -> Analysis:
    return Analysis(
        width,
        height,
        tuple(
            FaceAnalysis(
                Face(np.array(box, dtype=np.float32), 0.9),
                FaceInputs(np.zeros((48, 48), np.uint8)),
                np.array(box, dtype=np.float32),
                (),
                {"cnn": said},
                np.array(box, dtype=np.float32),
            )
            for box, said in faces
        ),
        0.01,
        {"cnn": 0.001},
    )


def has_color(image: np.ndarray, color: str) -> bool:
    return bool((image == np.array(ImageColor.getrgb(color))).all(axis=-1).any())


def canvas(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


@pytest.mark.parametrize("expression", FER2013.labels)
def test_a_box_has_its_expressions_color_and_the_input_is_untouched(expression: Expression):
    image = canvas(400, 600)
    drawn = draw_faces(image, analysis(600, 400, ((100, 100, 300, 300), prediction(expression))))
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (image == GREY).all()
    assert tuple(drawn[200, 100]) == ImageColor.getrgb(COLORS[expression])
    assert (drawn[150:250, 150:250] == GREY).all(), "the face itself stays visible"


def test_a_face_without_a_sure_answer_has_a_color_of_its_own():
    unsure = prediction(Expression.SAD, confidence=0.3)
    drawn = draw_faces(canvas(400, 600), analysis(600, 400, ((100, 100, 300, 300), unsure)))
    assert has_color(drawn, UNCLEAR_COLOR)
    assert not has_color(drawn, COLORS[Expression.SAD])
    assert UNCLEAR_COLOR not in COLORS.values()


def test_boxes_follow_the_scale_of_the_image():
    found = analysis(1200, 800, ((200, 200, 600, 600), prediction(Expression.HAPPY)))
    drawn = draw_faces(canvas(400, 600), found)
    assert tuple(drawn[200, 100]) == ImageColor.getrgb(COLORS[Expression.HAPPY])


@pytest.mark.parametrize("size", [(1, 1), (20, 9), (48, 48), (3000, 4000)])
def test_images_of_any_size_can_be_drawn_on(size: tuple[int, int]):
    height, width = size
    box = (0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height)
    found = analysis(width, height, (box, prediction(Expression.FEAR)))
    assert draw_faces(canvas(*size), found).shape == (*size, 3)


def test_a_face_that_leaves_the_image_keeps_its_label_inside():
    found = analysis(600, 400, ((-50, -40, 620, 420), prediction(Expression.HAPPY)))
    drawn = draw_faces(canvas(400, 600), found)
    assert has_color(drawn[:60], COLORS[Expression.HAPPY])


def label_width(others: tuple[tuple[int, ...], ...]) -> int:
    """Return the width in pixels of a sad face's label beside happy faces in other boxes."""
    box = (100, 200, 130, 230)
    faces = [(box, prediction(Expression.SAD))]
    faces += [(other, prediction(Expression.HAPPY)) for other in others]
    drawn = draw_faces(canvas(800, 800), analysis(800, 800, *faces))
    above = (drawn[: box[1] - 4] == np.array(ImageColor.getrgb(COLORS[Expression.SAD]))).all(-1)
    return int(above.any(axis=0).sum())


def test_a_label_keeps_its_words_where_there_is_room():
    alone = label_width(())
    assert alone > 60, "wider than its face"
    assert label_width(((500, 500, 530, 530),)) == alone


@pytest.mark.parametrize(
    "other", [(140, 180, 170, 210), (140, 205, 170, 235)], ids=["covers a face", "covers a label"]
)
def test_a_label_that_would_cover_another_face_shrinks_to_its_number(other: tuple[int, ...]):
    assert 0 < label_width((other,)) < label_width(()) / 3


def test_where_most_labels_collide_all_shrink_to_numbers():
    crowd = tuple((x, 500, x + 30, 530) for x in range(300, 600, 60))
    assert label_width(crowd[:1]) == label_width(())
    assert 0 < label_width(crowd) < label_width(()) / 3


def test_a_photo_without_faces_stays_as_it_is():
    image = canvas(40, 60)
    assert (draw_faces(image, analysis(60, 40)) == image).all()


def test_the_model_that_names_the_boxes_can_be_chosen():
    both = {"cnn": prediction(Expression.SAD), "dual": prediction(Expression.HAPPY)}
    face = Face(np.array((100, 100, 300, 300), np.float32), 0.9)
    found = SimpleNamespace(
        width=400, height=400, faces=(SimpleNamespace(face=face, predictions=both),)
    )
    drawn = draw_faces(canvas(400, 400), found, model="dual")
    assert tuple(drawn[200, 100]) == ImageColor.getrgb(COLORS[Expression.HAPPY])


def test_landmarks_are_dots_at_their_places_when_asked_for():
    plain = analysis(300, 200, ((100, 50, 200, 150), prediction(Expression.HAPPY)))
    points = np.array([[120, 80, 0], [150, 100, 1]], np.float32)
    mesh = FaceMesh(points, np.zeros(52, np.float32), np.eye(4, dtype=np.float32))
    face = replace(plain.faces[0], face=replace(plain.faces[0].face, mesh=mesh))
    found = replace(plain, faces=(face,))
    # The image is twice the size of the analysed photo.
    drawn = draw_faces(canvas(400, 600), found, landmarks=True)
    assert tuple(drawn[160, 240]) == tuple(drawn[200, 300]) == (0, 0xE5, 0xFF)
    assert tuple(drawn[180, 270]) == (GREY, GREY, GREY)
    assert tuple(draw_faces(canvas(400, 600), found)[160, 240]) == (GREY, GREY, GREY)
    # A face whose landmarks were not found is drawn without.
    draw_faces(canvas(400, 600), plain, landmarks=True)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 50), (800, 400)), ((4000, 2000), (1600, 800)), ((900, 3), (900, 3))],
)
def test_the_long_side_is_brought_into_a_range(size: tuple[int, int], expected: tuple[int, int]):
    assert fit_long_side(canvas(*size), smallest=800, largest=1600).shape[:2] == expected


def test_a_png_holds_the_very_pixels():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    decoded = Image.open(io.BytesIO(encode_png(image)))
    assert decoded.format == "PNG"
    assert (np.asarray(decoded) == image).all()


@pytest.mark.parametrize("color", [*COLORS.values(), UNCLEAR_COLOR])
def test_labels_can_be_read_on_every_color(color: str):
    def luminance(name: str) -> float:
        c = np.array(ImageColor.getrgb(name)) / 255
        return float(
            np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
            @ [0.2126, 0.7152, 0.0722]
        )

    low, high = sorted((luminance(color), luminance(text_color(color))))
    assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2.2, level AA


@pytest.fixture(scope="module")
def mesh(astronaut: np.ndarray) -> FaceMesh:
    (face,) = FaceFinder().find(astronaut)
    assert face.mesh is not None
    return face.mesh


def test_keypoints_are_drawn_at_their_pixels_and_nowhere_else(mesh: FaceMesh):
    drawn = draw_landmarks(np.zeros((512, 512, 3), np.uint8), mesh.landmarks, [Overlay.KEYPOINTS])
    expected = keypoints(mesh.landmarks)
    for x, y in expected:
        r, g, b = (int(v) for v in drawn[round(float(y)), round(float(x))])
        assert r > g > b, "orange, in RGB"
    lit_y, lit_x = np.nonzero(drawn.any(axis=2))
    nearest = np.hypot(lit_x[:, None] - expected[:, 0], lit_y[:, None] - expected[:, 1]).min(axis=1)
    assert nearest.max() < 8


def test_gaze_is_an_arrow_from_each_iris(mesh: FaceMesh):
    black, square = np.zeros((512, 512, 3), np.uint8), np.array([0, 0, 512, 512], np.float32)
    turned = replace(mesh, transformation=mesh.transformation.copy())
    a = np.radians(40)
    turned.transformation[:3, :3] = [
        [np.cos(a), 0, np.sin(a)],
        [0, 1, 0],
        [-np.sin(a), 0, np.cos(a)],
    ]
    drawn = draw_face_landmarks(black, turned, [Overlay.GAZE], box_xyxy=square, side=512)
    lit = np.argwhere(drawn.any(axis=2))
    irises = mesh.landmarks[[RIGHT_IRIS, LEFT_IRIS], :2]
    # A head that is turned to the right looks there.
    assert lit[:, 1].min() >= irises[0, 0] - 4
    assert lit[:, 1].max() > irises[1, 0] + 8
    assert abs(lit[:, 0].mean() - irises[:, 1].mean()) < 12


def test_each_overlay_adds_its_own_lines(mesh: FaceMesh):
    black = np.zeros((512, 512, 3), np.uint8)
    lit = {o: draw_landmarks(black, mesh.landmarks, [o]).any(axis=2).sum() for o in Overlay}
    assert lit[Overlay.MESH] > lit[Overlay.CONTOURS] > lit[Overlay.IRISES] > 0
    assert not draw_landmarks(black, mesh.landmarks, []).any()
    assert not black.any(), "the input was drawn on"


def test_an_enlarged_face_has_its_landmarks_in_place(mesh: FaceMesh):
    """A dot where the nose tip is in the photo, and a keypoint over it, meet in the enlarged face."""
    x, y = (round(float(v)) for v in mesh.landmarks[KEYPOINTS["nose_tip"], :2])
    photo = np.zeros((512, 512, 3), np.uint8)
    photo[y - 1 : y + 2, x - 1 : x + 2, 2] = 255
    box = scaled_square(mesh.box_xyxy, 1.25)
    bare = draw_face_landmarks(photo, mesh, [], box_xyxy=box, side=720)
    marked = draw_face_landmarks(photo, mesh, [Overlay.KEYPOINTS], box_xyxy=box, side=720)
    own = np.full((15, 2), (x, y), np.float32)
    overlay = [Overlay.OWN_KEYPOINTS]
    ours = draw_face_landmarks(photo, mesh, overlay, box_xyxy=box, side=720, own_keypoints=own)
    assert bare.shape == (720, 720, 3)
    blue = np.argwhere(bare[..., 2] > 100).mean(axis=0).round().astype(int)
    assert marked[tuple(blue)].tolist() != bare[tuple(blue)].tolist()
    assert int(marked[tuple(blue)][0]) > 150, "orange"
    red, green, _ = (int(v) for v in ours[tuple(blue)])
    assert red > green + 50, "violet"


def test_a_heatmap_colours_its_hot_place_alone():
    image = np.full((96, 96, 3), (40, 90, 140), np.uint8)
    heat = np.zeros((48, 48), np.float32)
    heat[10:14, 30:34] = 1
    drawn = draw_heatmap(image, heat)
    cold, hot = drawn[80, 10].astype(int), drawn[23, 63].astype(int)
    assert np.ptp(cold) == 0, "grey where it is cold"
    assert hot[0] > hot[2] + 40, "warm, in RGB"
    assert hot.sum() > cold.sum()


def test_faces_carry_the_numbers_that_they_are_given():
    found = analysis(600, 400, ((100, 100, 300, 300), prediction(Expression.SAD)))
    first, seventh = (draw_faces(canvas(400, 600), found, numbers=[n]) for n in (1, 7))
    assert (first == draw_faces(canvas(400, 600), found)).all()
    assert (first != seventh).any()


#: Bytes per pixel that a call adds to the process's peak, in a fresh process.
PEAK = """
import sys
from pathlib import Path
import numpy as np
from fer_core import drawing
from tests.fer_core.test_drawing import analysis, prediction

def peak():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")]
    return 1024 * int(line.split()[1])

photo = np.full((5000, 10_000, 3), 127, np.uint8)
found = analysis(10_000, 5000, ((1000, 1000, 3000, 3000), prediction("happy")))
drawing.encode_jpeg(drawing.draw_faces(photo[:100, :100], found))
Path("/proc/self/clear_refs").write_text("5")
before = peak()
exec(sys.argv[1])
print((peak() - before) / (photo.size / 3))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
@pytest.mark.parametrize(
    ("call", "most"),
    [
        ("drawing.draw_faces(photo, found)", 8),
        ("drawing.encode_jpeg(drawing.picture_of_faces(photo, found))", 4.5),
    ],
)
def test_a_photo_of_50_megapixels_is_annotated_in_little_memory(call, most):
    done = subprocess.run(
        [sys.executable, "-c", PEAK, call], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < most


def test_a_picture_is_drawn_and_encoded_as_its_pixels_are():
    found = analysis(400, 600, ((100, 100, 300, 300), prediction(Expression.HAPPY)))
    picture, drawn = (draw(canvas(600, 400), found) for draw in (picture_of_faces, draw_faces))
    assert (np.asarray(picture) == drawn).all()
    assert drawn.flags.writeable
    for encode in (encode_jpeg, encode_png):
        assert encode(picture) == encode(drawn)
