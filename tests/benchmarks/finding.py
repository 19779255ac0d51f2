"""How well faces are found: pasted at random, in photos that lie, in data sets' crops; and none on textures.

FER_DATA=... python -m tests.benchmarks.finding

Faces are of the web photos for development and of FER2013's PublicTest images; textures and pictures without
people are scikit-image's, enlarged. What is pasted lies where a fixed seed says. The constants of
fer_core/faces/finder.py were set on these and on the example photos: this is no test of them on new photos.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from skimage import data

from fer_core.faces.finder import FaceFinder
from fer_core.faces.search import SAME_FACE_OVERLAP, overlaps
from tests.benchmarks.measuring import print_table
from training.sources import Split, data_root, load, webphotos

#: Every such web photo is turned; of each as many faces are pasted.
PHOTO_STEP: Final = 4
SCENES: Final = 40
FACES_A_SCENE: Final = 8
SCENE_SIZES: Final = ((1200, 900), (1600, 1000), (800, 1250), (3000, 700), (4032, 3024))
#: Sides in pixels of the pasted faces' boxes.
SIDES: Final = (40, 400)
#: Of small photos with someone in front: pixels, and the sides of the boxes.
GROUP_SIZE: Final = (800, 600)
GROUP: Final = (135, 95, 68, 47)
#: No person is in them.
EMPTY: Final = (
    *("grass", "gravel", "brick", "coffee", "rocket", "page", "text", "chelsea", "coins", "moon"),
    *("hubble_deep_field", "immunohistochemistry", "retina", "cell"),
)
WIDTHS: Final = (500, 1000, 2000, 3000)
#: Around a face's box, as a share of its side, so much of its photo is pasted with it.
AROUND: Final = 0.35


def main() -> None:
    """Measure and print."""
    finder, photos = FaceFinder(), webphotos.load(data_root())
    rows = range(0, len(photos), PHOTO_STEP)
    heads = [head for row in rows if (head := _head(finder, photos.rgb(row))) is not None]
    found, pasted, false = _on_scenes(finder, heads)
    found_in_groups, in_groups = _in_groups(finder, heads)
    empty = [finder.find_upright(image) for image in _empty_pictures()]
    crops, n_crops = _on_crops(finder)
    print_table(
        "Faces",
        ("what", "number", "found", "%"),
        [
            (
                f"pasted, {SIDES[0]} to {SIDES[1]} pixels",
                str(pasted),
                str(found),
                _share(found, pasted),
            ),
            ("false faces beside them", f"{SCENES} scenes", str(false), ""),
            (
                f"groups of {len(GROUP)} in {GROUP_SIZE[0]} pixels",
                str(in_groups),
                str(found_in_groups),
                _share(found_in_groups, in_groups),
            ),
            (
                "false faces in pictures without people",
                f"{len(empty)} pictures",
                str(sum(len(found.faces) for found in empty)),
                "",
            ),
            (
                "of these pictures turned",
                str(len(empty)),
                str(sum(found.quarter_turns > 0 for found in empty)),
                "",
            ),
            *(
                (name, str(n), str(right), _share(right, n))
                for name, (right, n) in _on_turned(
                    finder, [photos.rgb(row) for row in rows]
                ).items()
            ),
            *(
                (f"PublicTest images, {name}", str(n_crops), str(n), _share(n, n_crops))
                for name, n in sorted(crops.items())
            ),
        ],
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}"


def _head(finder: FaceFinder, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a photo's face with what is around it, and its box there; None without one of 90 pixels."""
    faces = [face for face in finder.find(rgb) if face.is_upright]
    if len(faces) != 1 or np.ptp(faces[0].box_xyxy.reshape(2, 2), axis=0).max() < 90:
        return None
    box = faces[0].box_xyxy
    margin = AROUND * (box[2:] - box[:2]).max()
    left, top = np.maximum(box[:2] - margin, 0).astype(int)
    right, bottom = (box[2:] + margin).astype(int)
    return rgb[top:bottom, left:right], box - np.array([left, top] * 2, np.float32)


def _empty_pictures() -> Iterator[np.ndarray]:
    for name in EMPTY:
        picture = getattr(data, name)()
        rgb = picture[..., :3] if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        for width in WIDTHS:
            height = round(width * rgb.shape[0] / rgb.shape[1])
            yield cv2.resize(rgb, (width, height), interpolation=cv2.INTER_CUBIC)


def _on_scenes(
    finder: FaceFinder, heads: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[int, int, int]:
    """Return how many pasted faces are found, how many there are, and how many are found beside them."""
    n_found = n_pasted = n_false = 0
    textures = [data.grass(), data.gravel(), data.brick(), data.page()]
    for number in range(SCENES):
        rng = np.random.default_rng(number)
        size = SCENE_SIZES[number % len(SCENE_SIZES)]
        ground = cv2.resize(textures[number % len(textures)], size, interpolation=cv2.INTER_CUBIC)
        scene = np.repeat(ground[..., None], 3, axis=2)
        boxes = list(_paste(scene, heads, rng))
        faces = np.array([face.box_xyxy for face in finder.find(scene)], np.float32).reshape(-1, 4)
        are_true = np.zeros(len(faces), bool)
        for box in boxes:
            same = overlaps(faces, box) > SAME_FACE_OVERLAP
            are_true |= same
            n_found += bool(same.any())
        n_pasted += len(boxes)
        n_false += int((~are_true).sum())
    return n_found, n_pasted, n_false


def _paste(
    scene: np.ndarray, heads: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Paste faces where there are none, and yield their boxes."""
    is_taken = np.zeros(scene.shape[:2], bool)
    for _ in range(FACES_A_SCENE):
        image, box = heads[rng.integers(len(heads))]
        scale = np.exp(rng.uniform(*np.log(SIDES))) / float((box[2:] - box[:2]).max())
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pasted = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
        height, width = pasted.shape[:2]
        if height >= scene.shape[0] or width >= scene.shape[1]:
            continue
        top, left = rng.integers(scene.shape[0] - height), rng.integers(scene.shape[1] - width)
        place = np.s_[top : top + height, left : left + width]
        if not is_taken[place].any():
            scene[place], is_taken[place] = pasted, True
            yield (box * scale + np.array([left, top] * 2)).astype(np.float32)


def _in_groups(finder: FaceFinder, heads: list[tuple[np.ndarray, np.ndarray]]) -> tuple[int, int]:
    """Return how many faces are found in small photos of groups on a plain ground, and how many there are."""
    rng = np.random.default_rng(0)
    n_found = 0
    for _ in range(SCENES):
        scene = np.full((GROUP_SIZE[1], GROUP_SIZE[0], 3), 120, np.uint8)
        right = 0
        boxes = []
        for side in GROUP:
            image, box = heads[rng.integers(len(heads))]
            scale = side / float((box[2:] - box[:2]).max())
            pasted = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            height, width = pasted.shape[:2]
            scene[-height:, right : right + width] = pasted
            boxes.append(box * scale + np.array([right, GROUP_SIZE[1] - height] * 2))
            right += width
        faces = np.array([face.box_xyxy for face in finder.find(scene)], np.float32).reshape(-1, 4)
        n_found += sum((overlaps(faces, box) > SAME_FACE_OVERLAP).any() for box in boxes)
    return int(n_found), SCENES * len(GROUP)


def _on_turned(finder: FaceFinder, images: list[np.ndarray]) -> dict[str, tuple[int, int]]:
    """Return, for each turn, how many photos are brought upright, with a face in them, and of how many."""
    counts = {}
    for turns in range(4):
        found = [finder.find_upright(np.rot90(image, -turns)) for image in images]
        right = sum(bool(f.faces) and f.quarter_turns == turns for f in found)
        counts[f"web photos turned by {90 * turns} degrees"] = (right, len(images))
    return counts


def _on_crops(finder: FaceFinder) -> tuple[Counter[str], int]:
    """Return in how many of FER2013's PublicTest images a face is found, by the framing, and of how many."""
    images = load("fer2013", Split.VALID).images
    counts: Counter[str] = Counter()
    for image in images:
        found = finder.find_upright(np.repeat(image[..., None], 3, axis=2))
        if found.faces:
            counts.update([f"as a {found.framing}", "in all"])
            counts.update(["turned"] if found.quarter_turns else [])
    return counts, len(images)


if __name__ == "__main__":
    main()
