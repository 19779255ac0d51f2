"""What the Compare page's warp does to predictions: of landmarks alone, and of landmarks and pixels together.

FER_DATA=... python -m tests.benchmarks.what_if [--faces 40]

On the first neutral faces of the web photos for development, the mean change of the probability of the
expressions that fit a movement, in percentage points. A third column has the landmarks that MediaPipe finds
in the warped pixels, in place of those that were moved.
"""

import argparse
from collections.abc import Mapping
from typing import Final

import numpy as np

from fer_core.expressions import FER2013, Expression
from fer_core.faces.crops import face_inputs
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.faces.shape import FaceShape, Movement, read_face_shape
from fer_core.faces.warp import Portrait, portrait
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.settings import face_shape_path
from tests.benchmarks.measuring import print_table
from training.sources import data_root, webphotos

#: Movements by 100 %, and the expressions whose probability is added up.
MOVEMENTS: Final[Mapping[str, tuple[Mapping[Movement, float], tuple[Expression, ...]]]] = {
    "smile": ({Movement.SMILE: 1.0}, (Expression.HAPPY,)),
    "mouth open, brows up, eyes wide": (
        {Movement.JAW_OPEN: 1.0, Movement.BROWS_UP: 1.0, Movement.EYES_WIDE: 1.0},
        (Expression.SURPRISE,),
    ),
    "mouth corners and brows down": (
        {Movement.FROWN: 1.0, Movement.BROWS_DOWN: 1.0},
        (Expression.ANGRY, Expression.SAD),
    ),
}


def main(n: int) -> None:
    """Measure and print."""
    finder, shape = FaceFinder(), read_face_shape(face_shape_path())
    networks = {name: Classifier(resolve(name)) for name in default_networks()}
    portraits = _neutral_portraits(finder, n)
    rows = []
    for movement, (amounts, expressions) in MOVEMENTS.items():
        for name, network in networks.items():
            changes = np.array(
                [_changes(face, network, shape, amounts, expressions, finder) for face in portraits]
            )
            rows.append((movement, name, *(f"{100 * c:+.0f}" for c in np.nanmean(changes, axis=0))))
    print_table(
        f"{len(portraits)} neutral faces of web photos, percentage points",
        ("moved by 100 %", "network", "landmarks alone", "landmarks and pixels", "found again"),
        rows,
    )


def _neutral_portraits(finder: FaceFinder, n: int) -> list[Portrait]:
    photos = webphotos.load(data_root())
    found = []
    for row in np.flatnonzero(photos.labels == FER2013.labels.index(Expression.NEUTRAL)):
        rgb = photos.rgb(int(row))
        faces = [face for face in finder.find(rgb) if face.mesh]
        if len(faces) == 1:
            found.append(portrait(rgb, faces[0]))
        if len(found) == n:
            break
    return found


def _changes(
    face: Portrait,
    network: Classifier,
    shape: FaceShape,
    amounts: Mapping[Movement, float],
    expressions: tuple[Expression, ...],
    finder: FaceFinder,
) -> tuple[float, float, float]:
    """Return how much more probable the expressions are in each way; nan where no face is found again."""
    mesh = shape.with_movements(face.mesh, amounts)
    warped = face.warped(mesh)

    def share(rgb: np.ndarray, at: Face) -> float:
        (prediction,) = network.predict([face_inputs(rgb, at)])
        places = [prediction.labels.index(expression) for expression in expressions]
        return float(prediction.probabilities[places].sum())

    again = finder.look_at(warped.rgb, warped.face.box_xyxy)
    before = share(face.rgb, face.face)
    return (
        share(face.rgb, Portrait(face.rgb, mesh).face) - before,
        share(warped.rgb, warped.face) - before,
        share(warped.rgb, again) - before if again else np.nan,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=40)
    main(parser.parse_args().faces)
