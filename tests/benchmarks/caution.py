"""How often a face is called drawn or its mouth covered: rightly on altered photos, wrongly on others.

FER_DATA=... python -m tests.benchmarks.caution [SPLIT]

The photos are the web photos for development. Shapes cover their mouths, and filters turn them into drawings,
at random under a fixed seed. `DRAWN_ABOVE` and `LIPLESS_BELOW` in fer_core/faces/quality.py were set on
ExpW's validation faces, which the first row shows unless another SPLIT is named.
"""

import sys
from collections import Counter
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from fer_core.faces.crops import FaceInputs, face_inputs, frame_square
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import LEFT_IRIS, RIGHT_IRIS
from fer_core.faces.quality import Quality, assess
from tests.benchmarks.measuring import print_table
from tests.face_points import mouth_midpoint
from training.sources import Split, data_root, load, webphotos
from training.sources.landmark_cache import with_landmarks

#: Every fifth web photo: two minutes, if ExpW's landmarks are cached.
PHOTO_STEP: Final = 5
NOTES: Final = (Quality.COVERED, Quality.DRAWN)


def main(split: str) -> None:
    """Measure and print a table."""
    faces = with_landmarks(load("expw", Split(split)))
    counts = {f"ExpW's {split} faces, as they are": _on_crops(faces.images, faces.landmarks)}
    photos, finder = webphotos.load(data_root()), FaceFinder()
    for row in range(0, len(photos), PHOTO_STEP):
        rgb = photos.rgb(row)
        face = _largest(finder, rgb)
        if face is None:
            continue
        rng = np.random.default_rng(row)
        altered = {"web photos, as they are": rgb}
        altered |= {
            f"mouth under {name}": _cover(rgb, face, fill, rng) for name, fill in FILLS.items()
        }
        altered |= {f"photo made {name}": change(rgb) for name, change in DRAWINGS.items()}
        for name, image in altered.items():
            seen = _largest(finder, image)
            if seen is not None:
                square = frame_square(seen.box_xyxy)
                notes = assess(image, seen, face_inputs(image, seen, square), square)
                codes = {note.code for note in notes}
                counts.setdefault(name, Counter()).update(["faces", *codes])
    print_table(
        "Faces with a note",
        ("faces", "number", *(f"{note}, %" for note in NOTES)),
        [
            (name, f"{n['faces']}", *(f"{100 * n[note] / n['faces']:.1f}" for note in NOTES))
            for name, n in counts.items()
        ],
    )


def _on_crops(images: np.ndarray, landmarks: np.ndarray) -> Counter[str]:
    """Count the notes of a data set's crops, uint8 (N, 48, 48)."""
    counts: Counter[str] = Counter()
    whole = Face(box_xyxy=np.array([0, 0, 48, 48], np.float32), confidence=1.0)
    for image, vector in zip(images, landmarks.astype(np.float32), strict=True):
        notes = assess(np.dstack([image] * 3), whole, FaceInputs(image, vector), whole.box_xyxy)
        counts.update(["faces", *(note.code for note in notes)])
    return counts


def _largest(finder: FaceFinder, rgb: np.ndarray) -> Face | None:
    """Return the largest face with landmarks."""
    found = [face for face in finder.find(rgb) if face.mesh is not None]
    return max(found, key=lambda face: float(np.ptp(face.box_xyxy[[0, 2]])), default=None)


def _cover(rgb: np.ndarray, face: Face, fill: Callable, rng: np.random.Generator) -> np.ndarray:
    """Return the photo with a tilted box over the mouth, as JPEG leaves it."""
    between = float(np.linalg.norm(np.subtract(*face.landmarks[[LEFT_IRIS, RIGHT_IRIS], :2])))
    centre = mouth_midpoint(face.landmarks) + rng.uniform(-0.06, 0.06, 2) * between
    size = rng.uniform([0.9, 0.45], [2.2, 1.2]) * between
    box = (centre.tolist(), size.tolist(), rng.uniform(-10, 10))
    mask = cv2.fillConvexPoly(np.zeros(rgb.shape[:2], np.uint8), cv2.boxPoints(box).astype(int), 1)
    y, x = (np.mgrid[: rgb.shape[0], : rgb.shape[1]] - centre[::-1, None, None]) / between
    cheeks = np.median(rgb[tuple(face.landmarks[[50, 280], 1::-1].astype(int).T)], axis=0)
    colors = np.clip(fill(x[..., None], y[..., None], cheeks, rng) + np.zeros(3), 0, 255)
    return _as_jpeg(np.where(mask[..., None] > 0, colors, rgb))


def _as_jpeg(image: np.ndarray) -> np.ndarray:
    _, code = cv2.imencode(".jpg", image.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return cv2.imdecode(code, cv2.IMREAD_COLOR)


def _posterized(rgb: np.ndarray) -> np.ndarray:
    return _as_jpeg(cv2.bilateralFilter(rgb, 9, 60, 7) // 51 * 51 + 25)


def _pencil(rgb: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    ground = cv2.GaussianBlur(255 - grey, (0, 0), len(grey) / 40)
    return _as_jpeg(cv2.cvtColor(cv2.divide(grey, 255 - ground, scale=256), cv2.COLOR_GRAY2RGB))


#: Colours by the place in the box, in distances between the eyes, and the cheeks' colour.
FILLS: Final[dict[str, Callable]] = {
    "a black box": lambda x, y, cheeks, rng: 10.0,
    "a box of any colour": lambda x, y, cheeks, rng: rng.uniform(0, 255, 3),
    "a box of the skin's colour": lambda x, y, cheeks, rng: cheeks * (1 + 0.2 * x),
    "a mug": lambda x, y, cheeks, rng: rng.uniform(60, 250, 3) * (1 - 0.5 * x**2),
    "pleats": lambda x, y, cheeks, rng: 200 + 16 * np.sign(np.sin(18 * y)) - 60 * x**2,
    "fingers": lambda x, y, cheeks, rng: cheeks * (0.75 + 0.3 * np.abs(np.sin(16 * y))),
    "checks": lambda x, y, cheeks, rng: 120 + 50 * np.sign(np.sin(14 * x) * np.sin(14 * y)),
}
DRAWINGS: Final[dict[str, Callable]] = {"five tones": _posterized, "a pencil drawing": _pencil}


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Split.VALID)
