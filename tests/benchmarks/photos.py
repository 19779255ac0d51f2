"""How long photos take: MediaPipe's landmarker alone, search, whole analysis, and a face's heat maps.

python -m tests.benchmarks.photos [PHOTO ...]

They take turns, so that a disturbance of the machine meets all. The landmarker alone finds no face narrower
than a tenth of the photo: it is a yardstick and no alternative. Without arguments, a 640x480 photo of one
face, and a portrait and an empty photo of 12 megapixels.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2

from fer_core.analysis import Analyzer
from fer_core.faces import finder as finding
from fer_core.faces.finder import FaceFinder
from fer_core.faces.mediapipe_models import Landmarker
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.networks.explain import occlusion_map
from fer_core.photos.decode import Photo, decode
from tests.benchmarks.measuring import interleaved_ms, one_face_photo, print_table

TIMES = 15
WARM_UP = 2


def main() -> None:
    """Measure and print."""
    finder = FaceFinder()
    landmarker = Landmarker(
        detection_confidence=finding.LOOK_CONFIDENCE,
        presence_confidence=finding.PRESENCE_CONFIDENCE,
        max_faces=1,
    )
    classifiers = {name: Classifier(resolve(name)) for name in default_networks()}
    analyzer = Analyzer(finder, classifiers)
    rows = []
    for name, photo in photos(sys.argv[1:]).items():
        ways: list[Callable[[], object]] = [
            lambda rgb=photo.rgb: landmarker.detect(rgb),
            lambda rgb=photo.rgb: finder.find_upright(rgb),
            lambda photo=photo: analyzer.analyze(photo),
        ]
        faces = analyzer.analyze(photo).faces
        if faces:
            inputs = faces[0].inputs
            ways.append(
                lambda inputs=inputs: [occlusion_map(c, inputs) for c in classifiers.values()]
            )
        alone, search, whole, *maps = interleaved_ms(ways, times=TIMES, warm_up=WARM_UP)
        rows.append(
            (
                name,
                f"{photo.width}x{photo.height}",
                str(len(faces)),
                *(f"{ms:.0f}" for ms in (alone, search, whole)),
                f"{whole / alone:.1f}",
                *(f"{ms:.0f}" for ms in maps or (float("nan"),)),
            )
        )
    print_table(
        "Photos, warm medians, decoding not included",
        (
            *("photo", "pixels", "faces", "landmarker alone, ms", "search, ms", "analysis, ms"),
            *("ratio", "heat maps of a face, ms"),
        ),
        rows,
    )


def photos(paths: list[str]) -> Mapping[str, Photo]:
    """Return the photos that were named, or those that need no file."""
    if paths:
        return {Path(path).name: decode(Path(path).read_bytes()) for path in paths}
    from skimage import data

    size = (4032, 3024)
    empty = cv2.resize(data.coffee(), size, interpolation=cv2.INTER_CUBIC)
    portrait = cv2.resize(data.astronaut()[:240, 64:384], size, interpolation=cv2.INTER_CUBIC)
    return {
        "one face": decode(one_face_photo()),
        "a portrait": Photo(portrait),
        "no face": Photo(empty),
    }


if __name__ == "__main__":
    main()
