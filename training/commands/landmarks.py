"""`python -m training landmarks`: a data set's landmarks, found once and kept."""

import json

import typer

from training import sources
from training.commands.arguments import SourceArgument


def landmarks(
    source: SourceArgument,
) -> None:
    """Find the landmarks of a data set's faces and keep them for fit and evaluate.

    A run that was stopped goes on where it was. The file lies under FER_CACHE, by default
    ~/.cache/second-look. Prints one line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training landmarks fer2013
    """
    from training.sources.landmark_cache import cache_path, with_landmarks

    file = cache_path(source)
    whole = [sources.load(source, split) for split in sources.splits_of(source)]
    found = {}
    for samples in map(with_landmarks, whole):
        if samples.landmarks is not None:
            found[str(samples.split)] = float(samples.landmarks.any(axis=1).mean())
    typer.echo(json.dumps({"source": source, "found": found, "file": str(file)}))
