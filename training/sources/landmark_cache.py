"""Landmark features of data sets, computed once: a quarter of an hour for FER2013 on one core.

A cache is one parquet file per source, keyed by the images' content, so it holds for every split and
layout of a data set and cannot give the landmarks of another image. While it is computed, finished
chunks lie beside it, and a run that was stopped resumes with the next chunk. Several processes may use a
cache at the same time.
"""

import contextlib
import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from fer_core.cores import available_cores
from fer_core.errors import DataError, UnknownNameError
from fer_core.faces.crops import crop_inputs
from fer_core.faces.finder import CropFinder
from fer_core.faces.landmarks import FEATURE_SIZE, FEATURE_VERSION
from fer_core.faces.mediapipe_models import MODEL_SHA256
from fer_core.files import replace_file
from fer_core.settings import cache_root
from fer_core.studies.locks import lock_of
from training import sources
from training.sources import Samples

#: Images between two files of a run that may be stopped: some ten seconds of work.
CHUNK: Final = 512
_SCHEMA: Final = pa.schema(
    {
        "image": pa.uint64(),
        # Half a thousandth of a face's size at most: finer than any landmark is found.
        "features": pa.list_(pa.float16(), FEATURE_SIZE),
    }
)


#: Keys, uint64 (N,), and features, float16 (N, FEATURE_SIZE).
_Columns: TypeAlias = tuple[np.ndarray, np.ndarray]


def with_landmarks(samples: Samples) -> Samples:
    """Return the samples with their landmark features, from the source's cache if present.

    What is missing is computed, and for the known sources kept. A user's own folder leaves no trace on
    disk.
    """
    path = cache_path(samples.source) if sources.is_known(samples.source) else None
    return dataclasses.replace(samples, landmarks=_lookup(samples.images, path))


def cache_path(source: str) -> Path:
    """Return the cache file of a source, of this version of the features and this face landmarker.

    Sources with the same images share one.

    Raises:
        UnknownNameError: it is not one of the known sources, whose landmarks alone are kept.
    """
    if not sources.is_known(source):
        raise UnknownNameError(
            f"Landmarks are kept for {', '.join(sources.SOURCES)} alone, not for {source!r}. Those of your "
            "own folder are found when fit or evaluate needs them."
        )
    name = sources.images_of(source)
    made_by = f"v{FEATURE_VERSION}-{MODEL_SHA256[:8]}"
    return cache_root() / "landmarks" / f"{name}-{made_by}.parquet"


def _lookup(images: np.ndarray, path: Path | None) -> np.ndarray:
    """Return the features, float16 (N, FEATURE_SIZE), of images, uint8 (N, 48, 48)."""
    keys = np.array([_key(image) for image in images], np.uint64)
    known = _joined([])
    if path:
        with lock_of(path):
            known = _read(path)
    wanted, first = np.unique(keys, return_index=True)
    missing = first[~np.isin(wanted, known[0])]
    if len(missing):
        computed = _compute(images[missing], keys[missing], path)
        known = _joined([known, computed])
    if path and (len(missing) or _parts(path).is_dir()):
        with lock_of(path):
            # Read again: another process may have added to it since.
            known = _once(_joined([known, _read(path)]))
            _write(known, path)
            shutil.rmtree(_parts(path), ignore_errors=True)
    order = np.argsort(known[0])
    at = order[np.searchsorted(known[0], keys, sorter=order)]
    return known[1][at]


@contextlib.contextmanager
def finding_landmarks() -> Iterator[Callable[[np.ndarray], np.ndarray]]:
    """Give a function that finds the landmarks of face crops on all cores, without a cache.

    It takes images, uint8 (N, 48, 48), and returns their features, float16 (N, FEATURE_SIZE).
    """
    threads = available_cores()
    finders = [CropFinder() for _ in range(threads)]

    def find(part: np.ndarray, finder: CropFinder) -> list[np.ndarray]:
        return [crop_inputs(image, finder).landmarks for image in part]

    def find_all(images: np.ndarray) -> np.ndarray:
        shares = pool.map(find, np.array_split(images, threads), finders)
        return np.stack([vector for share in shares for vector in share]).astype(np.float16)

    try:
        with ThreadPoolExecutor(threads) as pool:
            yield find_all
    finally:
        for finder in finders:
            finder.close()


def _compute(images: np.ndarray, keys: np.ndarray, path: Path | None) -> _Columns:
    """Find the landmarks of images; with a path, store each finished chunk beside it."""
    chunks = []
    with finding_landmarks() as find:
        steps = range(0, len(images), CHUNK)
        for start in track(steps, "Finding landmarks", console=Console(stderr=True)):
            part = slice(start, start + CHUNK)
            chunk = keys[part], find(images[part])
            chunks.append(chunk)
            if path:
                with lock_of(path):
                    _write(chunk, _parts(path) / f"{keys[start]:016x}.parquet")
    return _joined(chunks)


def _read(path: Path) -> _Columns:
    """Return keys and features of a cache and of the chunks of an unfinished run beside it."""
    return _joined(
        [
            (
                table["image"].to_numpy(),
                table["features"].combine_chunks().flatten().to_numpy().reshape(-1, FEATURE_SIZE),
            )
            for table in _tables(path)
        ]
    )


def _tables(path: Path) -> Iterator[pa.Table]:
    for file in (path, *sorted(_parts(path).glob("*.parquet"))):
        # A process that was killed while it wrote leaves a hidden file.
        if file.is_file() and not file.name.startswith("."):
            try:
                yield pq.read_table(file, schema=_SCHEMA)
            except (pa.ArrowInvalid, OSError) as error:
                raise DataError(
                    f"{file} is not a readable cache of landmarks ({error}). Remove it; it is computed "
                    "again when it is needed."
                ) from error


def _joined(parts: list[_Columns]) -> _Columns:
    nothing = np.zeros(0, np.uint64), np.zeros((0, FEATURE_SIZE), np.float16)
    keys, features = zip(nothing, *parts, strict=True)
    return np.concatenate(keys), np.concatenate(features)


def _once(columns: _Columns) -> _Columns:
    """Return each image's features once."""
    keys, first = np.unique(columns[0], return_index=True)
    return keys, columns[1][first]


def _write(columns: _Columns, path: Path) -> None:
    keys, features = columns
    values = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), FEATURE_SIZE)
    table = pa.table([pa.array(keys), values], schema=_SCHEMA)
    replace_file(path, lambda file: pq.write_table(table, file, compression="zstd"))


def _parts(path: Path) -> Path:
    return path.with_suffix(".parts")


def _key(image: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest())
