"""FIRST+SECOND: a data set with additional training faces from another one.

Validation and test are FIRST's, so figures stay comparable with those of networks that saw FIRST alone.
Faces of SECOND that may show a photo of FIRST's other splits, even if cut out otherwise, are left out;
finding those takes some minutes once. Unless all others are wanted, they are subsampled at random, so that no
class has more added faces than FIRST has: the expressions stay as frequent as where the network is measured.

`training.schema.recipe.Data.added` describes their targets.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fer_core.data_names import PLUS
from fer_core.errors import DataError
from fer_core.files import replace_file, replace_text
from fer_core.settings import cache_root
from training.sources.base import VOTES, Samples, Split, sha256_of_arrays
from training.sources.copies import (
    COPY_CORRELATION,
    LOOSE_CORRELATION,
    copies_in,
    loose_copies_in,
)

#: The same faces of a second data set each time: seeds of recipes are for what varies between runs.
_SEED = 0


def joined(
    first: Samples, others: Callable[[], tuple[Samples, ...]], second: Samples, *, thinned: bool
) -> Samples:
    """Return the training faces of a first data set with those of a second one after them.

    Args:
        first: its training split.
        others: loads all images of its other splits, labelled there or not, which are not to be learnt. A
            machine that only trains lacks the test split: there, the lists of copies must be in the cache.
        second: the training split of the second.
        thinned: take of each class at most as many as there are in the first.

    Returns:
        In the label space of the first; classes that it lacks are left out. Rows of the second are
        numbered on from the highest of the first. Faces without FER+ votes have none for anything.

    Raises:
        DataError: `others` are not here, and the cache has no list of copies.
    """
    added = second.within(first.label_space)
    if thinned:
        added = added.select(_thinned(added.labels, first.labels))
    added = added.select(~_shown_in(added.images, *_kept_out(first.source, others)))
    return Samples(
        source=f"{first.source}{PLUS}{second.source}",
        split=Split.TRAIN,
        label_space=first.label_space,
        images=np.concatenate([first.images, added.images]),
        labels=np.concatenate([first.labels, added.labels]),
        rows=np.concatenate([first.rows, first.rows.max(initial=-1) + 1 + added.rows]),
        clean=np.concatenate([first.clean, added.clean]),
        is_face=np.concatenate([first.is_face, added.is_face]),
        votes=None
        if first.votes is None
        else np.concatenate([first.votes, np.zeros((len(added), len(VOTES)), first.votes.dtype)]),
        added=np.arange(len(first) + len(added)) >= len(first),
    )


def copies_folder() -> Path:
    """Return the cache folder for the lists of faces that show photos of another data set."""
    return cache_root() / "copies"


def _kept_out(
    source: str, others: Callable[[], tuple[Samples, ...]]
) -> tuple[str, np.ndarray | None]:
    """Return the digest of the images of a source's other splits, and the images if all are here."""
    record = copies_folder() / f"{source}.sha256"
    try:
        splits = others()
    except DataError:
        if not record.is_file():
            raise
        splits = ()
    # Of a pack with all splits, the test rows alone may be left out.
    if not all(map(len, splits or ([],))) and record.is_file():
        return record.read_text(), None
    images = np.concatenate([split.images for split in splits])
    digest = sha256_of_arrays(images)
    if not record.is_file() or record.read_text() != digest:
        replace_text(record, digest)
    return digest, images


def _shown_in(images: np.ndarray, digest: str, others: np.ndarray | None) -> np.ndarray:
    """Return bool (N,), True where an image may show a photo of `others`, whose digest is given.

    The result is kept under the cache: it takes minutes to find.
    """
    limits = f"{COPY_CORRELATION:g}-{LOOSE_CORRELATION:g}"
    path = copies_folder() / f"{sha256_of_arrays(images)[:32]}-{digest[:32]}-{limits}.npy"
    if path.is_file():
        result: np.ndarray = np.load(path, allow_pickle=False)
        return result
    if others is None:
        raise DataError(
            "Which added faces show a photo of the test split is not known here, and the test split is not "
            "here. Make the folder again with `python -m training.gpu.prepare` and this recipe."
        )
    found = copies_in(images, others)
    found[~found] = loose_copies_in(images[~found], others)
    replace_file(path, lambda file: np.save(file, found, allow_pickle=False))
    return found


def _thinned(labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return indices, in order, with at most as many labels of each class as `wanted`."""
    rng = np.random.default_rng(_SEED)
    kept = [
        rng.permutation(np.flatnonzero(labels == label))[: np.count_nonzero(wanted == label)]
        for label in np.unique(labels)
    ]
    return np.sort(np.concatenate([*kept, np.zeros(0, np.int64)]))
