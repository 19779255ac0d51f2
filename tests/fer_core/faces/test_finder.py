"""Every face is found, where it is, and none is made up."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from fer_core.errors import AnalysisError
from fer_core.faces.crops import frame_square
from fer_core.faces.finder import FaceFinder, Framing
from fer_core.faces.search import iou
from fer_core.photos.decode import decode
from tests.face_points import eyes_midpoint, mouth_midpoint

#: Counted by eye. In the meeting a fifth face is cut by the upper border and may count or not.
FACES_IN_PHOTOS = {
    "group_29_conference_1927.jpg": {29},
    "group_meeting.jpg": {4, 5},
    "no_face_rocket.jpg": {0},
    "one_face_astronaut.png": {1},
    "one_face_happy_baby.jpg": {1},
    "one_face_navy_portrait.jpg": {1},
    "one_face_neutral.jpg": {1},
    "one_face_portrait_official.jpg": {1},
    "two_faces_official.jpg": {2},
}


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def crowd(astronaut: np.ndarray) -> np.ndarray:
    """Thirty-two faces of 56 pixels and more on a grey ground."""
    # Four heads of other sizes, so that the crowd is no exact repetition.
    head = Image.fromarray(astronaut[0:210, 110:330])
    canvas = Image.new("RGB", (1600, 1000), (120, 120, 120))
    for i in range(32):
        side = (120, 130, 140, 150)[i % 4]
        canvas.paste(head.resize((side, side)), (20 + (i % 8) * 195, 30 + (i // 8) * 240))
    return np.asarray(canvas)


def test_iou_of_boxes():
    a, b = (np.array(box, np.float32) for box in ((0, 0, 10, 10), (5, 0, 15, 10)))
    np.testing.assert_allclose(iou(np.stack([a, b, b + 100]), a), [1, 1 / 3, 0], rtol=1e-6)
    assert iou(a[None] * 0, a * 0) == 0


@pytest.mark.parametrize(("name", "counts"), FACES_IN_PHOTOS.items())
def test_every_face_of_the_example_photos_is_found(finder, example_photos, name, counts):
    photo = decode((example_photos / name).read_bytes())
    assert len(finder.find(photo.rgb)) in counts


def test_the_astronaut_is_found_where_she_is(finder, astronaut):
    (face,) = finder.find(astronaut)
    # The middle of her pupils and of her lips, read off the enlarged picture.
    np.testing.assert_allclose(eyes_midpoint(face.landmarks), [225, 102], atol=4)
    np.testing.assert_allclose(mouth_midpoint(face.landmarks), [223, 147], atol=4)
    assert face.landmarks.shape == (478, 3)
    assert face.mesh.blendshapes.shape == (52,)
    assert 0.5 < face.confidence <= 1


def test_thirty_two_small_faces_are_found(finder, crowd):
    found = finder.find(crowd)
    assert len(found) == 32
    # In reading order: eight a row, from the left.
    for row in range(4):
        lefts = [float(face.box_xyxy[0]) for face in found[row * 8 : row * 8 + 8]]
        assert lefts == sorted(lefts)


@pytest.mark.parametrize(
    "name", ["coffee", "rocket", "brick", "grass", "gravel", "page", "text", "chelsea"]
)
def test_no_face_is_made_up(finder, name):
    picture = getattr(data, name)()
    rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    assert finder.find(np.ascontiguousarray(rgb)) == []


def test_enlarging_a_portrait_adds_no_face(finder, astronaut):
    """At this size a tile once showed a face of 27 pixels near the lower edge."""
    enlarged = Image.fromarray(astronaut).resize((1400, 1400), Image.Resampling.BICUBIC)
    assert len(finder.find(np.asarray(enlarged))) == 1


@pytest.mark.parametrize("share", [0.7, 0.5, 0.35])
def test_smaller_faces_beside_a_large_one_are_found(finder, astronaut, share):
    """A small photo with a face of 160 pixels, such as a group has with someone in front."""
    head = astronaut[:256, 96:352]
    in_front = cv2.resize(head, (400, 400), interpolation=cv2.INTER_CUBIC)
    behind = cv2.resize(head, None, fx=share * 400 / 256, fy=share * 400 / 256)
    photo = np.full((500, 800, 3), 110, np.uint8)
    photo[100:, :400] = in_front
    photo[-len(behind) :, 420 : 420 + len(behind)] = behind
    first, second = (face.box_xyxy for face in sorted(finder.find(photo), key=_width, reverse=True))
    assert np.ptp(second[::2]) == pytest.approx(share * np.ptp(first[::2]), rel=0.1)


def _width(face):
    return np.ptp(face.box_xyxy[::2])


def test_a_large_portrait_is_not_searched_for_faces_a_tenth_of_its_own(
    finder, astronaut, monkeypatch
):
    head = astronaut[:256, 96:352]
    photo = cv2.resize(head, (3000, 3000), interpolation=cv2.INTER_CUBIC)
    detect, pixels = finder._detector.detect, []

    def counted(images):
        pixels.extend(image[..., 0].size for image in images)
        return detect(images)

    monkeypatch.setattr(finder._detector, "detect", counted)
    assert len(finder.find(photo)) == 1
    assert sum(pixels) < 0.15 * 3000 * 3000
    pixels.clear()
    finder.find(np.full_like(photo, 110))
    assert sum(pixels) > 0.3 * 3000 * 3000


def test_coordinates_are_of_the_photo_however_large(finder, astronaut):
    (small,) = finder.find(astronaut)
    large_image = np.asarray(
        Image.fromarray(astronaut).resize((4096, 4096), Image.Resampling.BICUBIC)
    )
    (large,) = finder.find(large_image)
    np.testing.assert_allclose(large.box_xyxy / 8, small.box_xyxy, atol=4)


def test_a_face_that_fills_the_photo_is_found(finder, astronaut):
    (face,) = finder.find(astronaut)
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    tight = np.ascontiguousarray(astronaut[top - 8 : bottom + 8, left - 8 : right + 8])
    assert len(finder.find(tight)) == 1


def test_a_head_upside_down_is_a_face_without_landmarks(finder, astronaut):
    (upright,) = finder.find(astronaut)
    centre = (upright.box_xyxy[:2] + upright.box_xyxy[2:]) / 2
    turn = cv2.getRotationMatrix2D(centre.tolist(), 220, 1)
    (face,) = finder.find(cv2.warpAffine(astronaut, turn, (512, 512)))
    assert face.mesh is None
    np.testing.assert_allclose((face.box_xyxy[:2] + face.box_xyxy[2:]) / 2, centre, atol=20)


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Fifteen faces of 40 to 400 pixels on gravel, with the sides of their boxes."""
    rng = np.random.default_rng(0)
    head = astronaut[30:230, 120:330]
    ground = cv2.resize(data.gravel(), (3000, 2000), interpolation=cv2.INTER_CUBIC)
    image = np.repeat(ground[..., None], 3, axis=2)
    sides = np.geomspace(40, 400, 15).astype(int).tolist()
    for i, side in enumerate(sides):
        # Her landmarks are 108 pixels high.
        pasted = cv2.resize(head, None, fx=side / 108, fy=side / 108, interpolation=cv2.INTER_AREA)
        height, width = pasted.shape[:2]
        row, column = divmod(i, 5)
        left = column * 600 + int(rng.integers(0, max(1, 600 - width)))
        top = row * 660 + int(rng.integers(0, max(1, 660 - height)))
        pasted = pasted[: 2000 - top, : 3000 - left]
        image[top : top + len(pasted), left : left + pasted.shape[1]] = pasted
    return image, sides


def test_faces_of_40_pixels_and_more_are_found_in_a_large_photo(finder, scene):
    image, sides = scene
    found = sorted(float(np.ptp(face.box_xyxy[1::2])) for face in finder.find(image))
    assert len(found) == len(sides)
    np.testing.assert_allclose(found, sides, rtol=0.25)


def test_a_very_wide_photo_is_searched_as_finely(finder, astronaut):
    panorama = np.full((300, 9000, 3), 120, np.uint8)
    for left in (10, 3000, 8700):
        panorama[50:250, left : left + 210] = astronaut[30:230, 120:330]
    assert len(finder.find(panorama)) == 3


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_a_photo_is_turned_until_its_faces_are_upright(finder, scene, quarter_turns):
    image, _ = scene
    lying = np.rot90(image[:660], -quarter_turns)
    found = finder.find_upright(np.ascontiguousarray(lying))
    assert found.quarter_turns == quarter_turns
    assert len(found.faces) == 5
    assert all(face.is_upright for face in found.faces)


@pytest.mark.parametrize("degrees", [60, 120, 150, 200, 240, 300])
def test_a_head_in_any_direction_is_turned_as_far_as_quarters_do(finder, astronaut, degrees):
    about = cv2.getRotationMatrix2D((225.0, 120.0), degrees, 1)
    found = finder.find_upright(cv2.warpAffine(astronaut, about, (512, 512)))
    (face,) = found.faces
    assert face.is_upright
    assert abs(face.head_pose.roll) <= 62


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_a_blurred_face_that_fills_a_photo_is_turned_upright(finder, astronaut, quarter_turns):
    """The detector gives it a score of 0.56, upright or not."""
    blurred = cv2.GaussianBlur(astronaut[40:200, 145:305], (0, 0), 4)
    photo = cv2.resize(blurred, (350, 350), interpolation=cv2.INTER_CUBIC)
    found = finder.find_upright(np.ascontiguousarray(np.rot90(photo, -quarter_turns)))
    (face,) = found.faces
    assert face.is_upright
    assert face.confidence < 0.6
    assert found.quarter_turns == quarter_turns


def test_a_picture_without_faces_is_not_turned(finder):
    assert finder.find_upright(data.coffee()).quarter_turns == 0


@pytest.fixture
def blind(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> FaceFinder:
    """Its detector sees nothing, as in each tenth of FER2013's images."""
    monkeypatch.setattr(finder._detector, "_confidence", 0.9999)
    return finder


@pytest.mark.parametrize("size", [(48, 48), (64, 60), (200, 200)])
def test_a_small_square_image_may_be_a_face_crop(blind, astronaut, size):
    """From the brows to the chin, as the tightest crops of data sets."""
    tight = cv2.resize(astronaut[78:168, 180:270], size, interpolation=cv2.INTER_AREA)
    found = blind.find_upright(tight)
    (face,) = found.faces
    assert found.framing is Framing.CROP
    assert face.is_upright
    # Where her eyes lie in what was cut out.
    expected = (np.array([225, 102]) - [180, 78]) * np.array(size) / 90
    np.testing.assert_allclose(eyes_midpoint(face.landmarks), expected, atol=0.08 * size[0])


def test_no_other_image_is_taken_for_a_crop(blind, astronaut):
    for image in (astronaut, astronaut[78:168, 180:250], data.coffee()[:100, :100]):
        assert not blind.find_upright(np.ascontiguousarray(image)).faces


def test_head_pose_has_the_documented_signs(finder, astronaut):
    (face,) = finder.find(astronaut)
    assert abs(face.head_pose.roll) < 10
    assert abs(face.head_pose.yaw) < 15
    # Pillow turns counter-clockwise, so -20 tilts the head 20 degrees clockwise.
    tilted = Image.fromarray(astronaut).rotate(-20, Image.Resampling.BICUBIC, center=(220, 120))
    (turned,) = finder.find(np.asarray(tilted))
    assert turned.head_pose.roll - face.head_pose.roll == pytest.approx(20, abs=4)
    (mirrored,) = finder.find(np.ascontiguousarray(astronaut[:, ::-1]))
    assert mirrored.head_pose.yaw == pytest.approx(-face.head_pose.yaw, abs=4)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((100, 100), np.uint8),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((100, 100, 3), np.uint16),
        np.zeros((100, 100, 3), np.float32),
    ],
)
def test_arrays_that_break_mediapipe_never_reach_it(finder, astronaut, bad):
    if bad.ndim == 3 and bad.shape[2] == 3 and bad.dtype == np.uint8:
        assert finder.find(bad) == []
    else:
        with pytest.raises(ValueError, match="must be uint8"):
            finder.find(bad)
    assert len(finder.find(astronaut)) == 1


def test_tiny_images_have_no_faces(finder):
    for shape in ((1, 1, 3), (1, 500, 3), (500, 1, 3), (20, 20, 3)):
        assert finder.find(np.zeros(shape, np.uint8)) == []


def test_a_mirrored_view_of_an_array_is_read_as_what_it_shows(finder, astronaut):
    view = astronaut[:, ::-1]
    assert not view.flags.c_contiguous
    (mirrored,) = finder.find(view)
    (face,) = finder.find(astronaut)
    assert mirrored.box_xyxy[0] == pytest.approx(511 - face.box_xyxy[2], abs=4)


def test_eight_threads_find_what_one_finds(finder, astronaut, crowd):
    # Shifted pictures have different answers, so an answer given to the wrong thread shows.
    pictures = [np.ascontiguousarray(np.roll(astronaut, 12 * i, axis=1)) for i in range(8)]
    alone = [finder.find(picture) for picture in pictures]
    jobs = list(range(8)) * 5
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: finder.find(pictures[i]), jobs))
    for i, found in zip(jobs, together, strict=True):
        assert len(found) == len(alone[i])
        for got, expected in zip(found, alone[i], strict=True):
            np.testing.assert_allclose(got.landmarks, expected.landmarks, atol=1e-3)


def test_crops_of_photos_are_framed_as_fer2013_frames_its_faces(finder, example_photos):
    """Frontal faces: eyes within 0.05 of (0.50, 0.40) of the crop, mouth within 0.05 of (0.51, 0.79)."""
    eyes, mouths = [], []
    for name in FACES_IN_PHOTOS:
        photo = decode((example_photos / name).read_bytes())
        for face in finder.find(photo.rgb):
            pose = face.head_pose
            if pose is None or max(abs(pose.yaw), abs(pose.pitch), abs(pose.roll)) > 10:
                continue
            square = frame_square(face.box_xyxy)
            side = square[2] - square[0]
            eyes.append((eyes_midpoint(face.landmarks) - square[:2]) / side)
            mouths.append((mouth_midpoint(face.landmarks) - square[:2]) / side)
    assert len(eyes) > 15
    np.testing.assert_allclose(np.median(eyes, axis=0), [0.50, 0.40], atol=0.05)
    np.testing.assert_allclose(np.median(mouths, axis=0), [0.51, 0.79], atol=0.05)


def test_a_photo_with_too_many_faces_is_refused(finder, crowd, monkeypatch):
    monkeypatch.setattr("fer_core.faces.finder.MOST_CANDIDATES", 8)
    with pytest.raises(AnalysisError, match=r"3\d places .* The limit is 8. Cut it into parts"):
        finder.find_upright(crowd)


def test_a_frame_in_which_one_face_hides_another_is_searched(finder, astronaut, monkeypatch):
    (face,) = finder.find(astronaut)
    monkeypatch.setattr(finder, "look_at", lambda *_: face)
    assert len(finder.find_again(astronaut, [face])) == 1
    searched = []
    monkeypatch.setattr(finder, "find", lambda rgb: searched.append(rgb) or [])
    assert finder.find_again(astronaut, [face, face]) == []
    assert len(searched) == 1
