"""`python -m training face-shape`: the average face, the baseline of explanations."""

import json

import typer

from fer_core.settings import face_shape_path
from training import sources
from training.commands.arguments import SourceArgument
from training.sources import Split


def face_shape(
    source: SourceArgument,
) -> None:
    """Estimate the average face and its movements, the baseline of explanations.

    Uses the landmarks of the training split. Writes models/face_shape.npz and prints one line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training face-shape fer2013
    """
    from fer_core.faces.shape import estimate, write_face_shape
    from training.sources.landmark_cache import upright_and_blendshapes

    points, blendshapes = upright_and_blendshapes(sources.load(source, Split.TRAIN))
    write_face_shape(estimate(points, blendshapes), face_shape_path())
    typer.echo(json.dumps({"source": source, "n": len(points), "file": str(face_shape_path())}))
