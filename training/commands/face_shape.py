"""`python -m training face-shape`: the average face, the baseline of explanations."""

import json

import numpy as np
import typer

from fer_core.settings import face_shape_path
from training import sources
from training.commands.arguments import SourceArgument
from training.sources import Split


def face_shape(
    source: SourceArgument,
) -> None:
    """Estimate the average face and its movements, the baseline of explanations.

    Uses the faces of the training split that have landmarks. Writes models/face_shape.npz and prints one
    line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training face-shape fer2013
    """
    from fer_core.faces.shape import estimate, write_face_shape
    from training.sources.landmark_cache import with_landmarks

    samples = with_landmarks(sources.load(source, Split.TRAIN))
    landmarks = np.asarray(samples.landmarks, np.float32)
    found = landmarks.any(axis=1)
    write_face_shape(estimate(landmarks[found], samples.images[found]), face_shape_path())
    typer.echo(
        json.dumps({"source": source, "n": int(found.sum()), "file": str(face_shape_path())})
    )
