"""`python -m training landmarks`: find a data set's landmarks once and store them."""

import json

import typer

from training import sources
from training.commands.arguments import SourceArgument


def landmarks(
    source: SourceArgument,
) -> None:
    """Find the landmarks of a data set's faces and store them for fit and evaluate.

    A run that was stopped resumes where it stopped. The file is stored under FER_CACHE, by default
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
