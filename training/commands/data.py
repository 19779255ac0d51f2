"""`python -m training data`: the available data sets."""

from collections.abc import Callable

import numpy as np
import typer

from fer_core.errors import DataError
from fer_core.expressions import FER2013
from training import sources
from training.sources import Split, keypoints, webphotos


def data() -> None:
    """List the data sets under FER_DATA, with the number of faces per split and class.

    "clean" counts the rows without a duplicate in the training split, "no face" those that annotators marked
    as showing no face. Faces with keypoints are split by person.

    \b
    Example:
      FER_DATA=~/fer-data python -m training data
    """
    root = sources.data_root()
    found = 0
    for source in sources.SOURCES.values():
        found += _list_splits(source.name, source.splits, _faces_line)
    found += _list_splits(keypoints.NAME, tuple(Split), _keypoints_line)
    found += _list_splits(webphotos.NAME, (Split.VALID,), _photos_line)
    if not found:
        raise DataError(
            f"No data set was found under FER_DATA={root}. The expected layouts are listed above."
        )


def _list_splits(
    source: str, splits: tuple[Split, ...], describe: Callable[[str, Split], str]
) -> int:
    """Print the content of each split of a source, or why it cannot be read; return how many can."""
    problems = []
    for split in splits:
        try:
            typer.echo(f"{source}:{split}: {describe(source, split)}")
        except DataError as error:
            problems.append((split, error))
    n_read = len(splits) - len(problems)
    if len(problems) == len(splits):
        # Nothing of it exists: report that once, not per split.
        problems = problems[:1]
    for split, problem in problems:
        typer.echo(f"{source}:{split}: {problem}\n", err=True)
    return n_read


def _faces_line(source: str, split: Split) -> str:
    samples = sources.load(source, split)
    clean = "" if split is Split.TRAIN else f"{samples.clean.sum():,} clean, "
    persons = "" if samples.persons is None else f", {len(set(samples.persons)):,} persons"
    counts = ", ".join(f"{name} {n:,}" for name, n in samples.counts().items())
    return (
        f"{len(samples):,} faces, {clean}{(~samples.is_face).sum():,} no face{persons}\n  {counts}"
    )


def _keypoints_line(_: str, split: Split) -> str:
    faces = sources.load_keypoints(split)
    persons = "unknown persons" if faces.n_persons is None else f"{faces.n_persons} persons"
    return f"{len(faces):,} faces with points, {persons}"


def _photos_line(*_: str) -> str:
    found = webphotos.load(sources.data_root())
    counts = np.bincount(found.labels, minlength=len(FER2013))
    named = zip(FER2013.labels, counts, strict=True)
    return f"{len(found):,} whole photos\n  " + ", ".join(f"{name} {n:,}" for name, n in named)
