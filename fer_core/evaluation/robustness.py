"""Predictions on degraded images: the robustness file, and the measures computed from it.

`python -m training robustness` corrupts the same faces in many ways and strengths and writes what the
network answers to each. As with predictions, every figure is computed from that file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fer_core.errors import DataError, UnknownNameError
from fer_core.expressions import Expression, parse_expression
from fer_core.files import replace_file
from fer_core.networks.bundles import PREDICTIONS_FOLDER, ROBUSTNESS_FOLDER, SERVING_FILE, Bundle

#: Of every kind of corruption, from weak to strong.
STRENGTHS: Final = (1, 2, 3, 4, 5)
#: Number of drawn faces and seed for the predictions that bundles store, the same for all.
ROWS: Final = 1_000
SEED: Final = 0
_SCHEMA: Final = pa.schema(
    {
        "corruption": pa.string(),
        "strength": pa.int8(),
        "parameter": pa.string(),
        "value": pa.float64(),
        "row": pa.int64(),
        "label": pa.int8(),
        "answer": pa.int8(),
        "confidence": pa.float16(),
        "found_face": pa.bool_(),
        "clean": pa.bool_(),
    }
)
#: What a file says of itself besides its rows, as texts.
_ABOUT: Final = ("source", "split", "seed", "weights_sha256", "expressions")


@dataclass(frozen=True, slots=True)
class Condition:
    """One corruption at one strength, applied to all images.

    Attributes:
        corruption: the kind's name; "none" where nothing was done.
        strength: one of STRENGTHS; 0 where nothing was done.
        parameter: what `value` is, with its unit; empty where nothing was done.
        value: how much was done.
    """

    corruption: str
    strength: int
    parameter: str
    value: float


#: The original images.
UNCORRUPTED: Final = Condition("none", 0, "", 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """One network's predictions for the same N faces under K conditions.

    Attributes:
        source: of the faces.
        split: of the faces.
        seed: that the faces were drawn with, and the noise.
        weights_sha256: of the serving file that answered.
        expressions: the network's classes, that `labels` and `answers` are indices into.
        conditions: K of them, UNCORRUPTED first.
        rows: int64 (N,), the data set's own number of each image.
        labels: int64 (N,).
        clean: bool (N,), False where the network's training data holds a copy of the image.
        answers: int64 (K, N), the class of highest probability.
        confidences: float32 (K, N), its calibrated probability, to a thousandth or so.
        found_face: bool (K, N), as in `evaluation.EvaluationResult`: for a network that sees landmarks,
            whether they were found in the corrupted image.
    """

    source: str
    split: str
    seed: int
    weights_sha256: str
    expressions: tuple[Expression, ...]
    conditions: tuple[Condition, ...]
    rows: np.ndarray
    labels: np.ndarray
    clean: np.ndarray
    answers: np.ndarray
    confidences: np.ndarray
    found_face: np.ndarray

    def __post_init__(self) -> None:
        k, n = len(self.conditions), len(self.rows)
        for name in ("rows", "labels", "clean"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), got {getattr(self, name).shape}")
        for name in ("answers", "confidences", "found_face"):
            if getattr(self, name).shape != (k, n):
                raise ValueError(
                    f"{name} must have shape ({k}, {n}), got {getattr(self, name).shape}"
                )

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, keep: np.ndarray) -> "Robustness":
        """Return the faces where the boolean mask `keep` (N,) is True, in the same order."""
        return Robustness(
            source=self.source,
            split=self.split,
            seed=self.seed,
            weights_sha256=self.weights_sha256,
            expressions=self.expressions,
            conditions=self.conditions,
            rows=self.rows[keep],
            labels=self.labels[keep],
            clean=self.clean[keep],
            answers=self.answers[:, keep],
            confidences=self.confidences[:, keep],
            found_face=self.found_face[:, keep],
        )

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The kinds of corruption, each once, in order."""
        return tuple(dict.fromkeys(c.corruption for c in self.conditions if c != UNCORRUPTED))


def accuracies(result: Robustness) -> np.ndarray:
    """Return float64 (K,), the accuracy under each condition; NaN without faces."""
    if not len(result):
        return np.full(len(result.conditions), np.nan)
    accuracies: np.ndarray = (result.answers == result.labels).mean(axis=1)
    return accuracies


def mean_relative_drop(result: Robustness) -> float:
    """Return the mean of 1 - accuracy / accuracy on the original images, over all kinds and strengths.

    0 says that nothing is lost, 1 that nothing is left. NaN where it is not defined: without faces,
    without corruptions, or for a network that is never right on the images as they are.
    """
    whole, *corrupted = accuracies(result).tolist()
    if not corrupted or not whole > 0:
        return float("nan")
    return float(np.mean([1 - accuracy / whole for accuracy in corrupted]))


def accuracy_table(result: Robustness) -> pd.DataFrame:
    """Return one row per condition: corruption, strength, parameter, value, n, accuracy, found_face.

    The last two are fractions, of all faces; the first row is that of the images as they are.
    """
    table = pd.DataFrame(
        [(c.corruption, c.strength, c.parameter, c.value) for c in result.conditions],
        columns=["corruption", "strength", "parameter", "value"],
    )
    found = result.found_face.sum(axis=1) / max(len(result), 1)
    return table.assign(n=len(result), accuracy=accuracies(result), found_face=found)


def robustness_path(bundle_folder: Path, source: str, split: str) -> Path:
    """Return the path of a bundle's predictions on the corrupted images of a split."""
    return bundle_folder / PREDICTIONS_FOLDER / ROBUSTNESS_FOLDER / f"{source}-{split}.parquet"


def stored_robustness(bundle: Bundle, source: str, split: str) -> Robustness | None:
    """Return a bundle's stored predictions on the corrupted images of a split; None without any.

    Raises:
        DataError: the file is damaged, or other weights wrote it.
    """
    path = robustness_path(bundle.path, source, split)
    if not path.is_file():
        return None
    result = read_robustness(path)
    if result.weights_sha256 != bundle.spec.sha256.get(SERVING_FILE):
        raise DataError(
            f"{path} holds the answers of other weights than {bundle.spec.name} has now. "
            + _mend(path)
        )
    return result


def write_robustness(result: Robustness, path: Path) -> None:
    """Write a robustness file atomically; equal results give equal bytes."""
    k, n = result.answers.shape
    columns: dict[str, Any] = {
        name: np.repeat([getattr(c, name) for c in result.conditions], n)
        for name in ("corruption", "strength", "parameter", "value")
    }
    columns |= {
        "row": np.tile(result.rows, k),
        "label": np.tile(result.labels, k).astype(np.int8),
        "answer": result.answers.ravel().astype(np.int8),
        "confidence": result.confidences.ravel().astype(np.float16),
        "found_face": result.found_face.ravel(),
        "clean": np.tile(result.clean, k),
    }
    about = {name: str(getattr(result, name)) for name in _ABOUT}
    about["expressions"] = ",".join(result.expressions)
    table = pa.table(columns, schema=_SCHEMA.with_metadata(about))
    replace_file(path, lambda file: pq.write_table(table, file, compression="zstd"))


def read_robustness(path: Path, *, finished: bool = True) -> Robustness:
    """Read and check a robustness file.

    Args:
        path: of the file.
        finished: refuse a file in which a strength of some kind is missing.

    Raises:
        DataError: the file is missing, is no parquet file, lacks a column, or holds values that no run
            writes; the message says which.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"There is no robustness file {path}. {_mend(path)}") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path} is not a readable parquet file ({error}). {_mend(path)}"
        ) from error
    try:
        result = _parse(table)
    except (UnknownNameError, TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: {error}. {_mend(path)}") from error
    if finished and (problem := _missing_strength(result)):
        raise DataError(f"{path}: {problem}. {_mend(path)}")
    return result


def _mend(path: Path) -> str:
    bundle = path.parents[2] if len(path.parents) > 2 else "BUNDLE"
    return f"Write it again with: python -m training robustness {bundle} --data SOURCE:SPLIT"


def _parse(table: pa.Table) -> Robustness:
    """Return the content of a table; raise ValueError or TypeError with the fault."""
    if missing := [name for name in _SCHEMA.names if name not in table.column_names]:
        raise ValueError(f"it lacks the column {', '.join(missing)}")
    about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    if unsaid := [name for name in _ABOUT if name not in about]:
        raise ValueError(f"it does not say its {', '.join(unsaid)}")
    table = table.select(_SCHEMA.names).cast(_SCHEMA)
    for name in _SCHEMA.names:
        if table[name].null_count:
            raise ValueError(f"the column {name} has empty values")
    column = {name: table[name].to_numpy() for name in _SCHEMA.names}
    conditions = _conditions(column)
    shape = len(conditions), len(table) // len(conditions)
    grid = {name: values.reshape(shape) for name, values in column.items()}
    for name in ("row", "label", "clean"):
        if (grid[name] != grid[name][0]).any():
            raise ValueError(f"the column {name} is not the same under every condition")
    expressions = tuple(parse_expression(name) for name in about["expressions"].split(","))
    for name in ("label", "answer"):
        if grid[name].min() < 0 or grid[name].max() >= len(expressions):
            raise ValueError(f"the column {name} has values outside 0..{len(expressions) - 1}")
    if not ((grid["confidence"] >= 0) & (grid["confidence"] <= 1)).all():
        raise ValueError("the column confidence has values that are no probabilities")
    return Robustness(
        source=about["source"],
        split=about["split"],
        seed=int(about["seed"]),
        weights_sha256=about["weights_sha256"],
        expressions=expressions,
        conditions=conditions,
        rows=grid["row"][0],
        labels=grid["label"][0].astype(np.int64),
        clean=grid["clean"][0],
        answers=grid["answer"].astype(np.int64),
        confidences=grid["confidence"].astype(np.float32),
        found_face=grid["found_face"],
    )


def _conditions(column: dict[str, np.ndarray]) -> tuple[Condition, ...]:
    """Return the conditions, which must be blocks of equal length; raise ValueError otherwise."""
    names = ("corruption", "strength", "parameter", "value")
    rows = list(zip(*(column[name].tolist() for name in names), strict=True))
    conditions = tuple(Condition(*values) for values in dict.fromkeys(rows))
    if not conditions or conditions[0] != UNCORRUPTED:
        raise ValueError("it does not begin with the images as they are")
    n, left = divmod(len(rows), len(conditions))
    blocks = [values for values in dict.fromkeys(rows) for _ in range(n)]
    if left or blocks != rows:
        raise ValueError("its conditions do not have the same rows")
    return conditions


def _missing_strength(result: Robustness) -> str | None:
    """Return a kind that lacks a strength or has one twice; None if all are complete."""
    for kind in result.corruptions:
        strengths = tuple(c.strength for c in result.conditions if c.corruption == kind)
        if strengths != STRENGTHS:
            return f"{kind} has the strengths {', '.join(map(str, strengths))}, not 1 to 5"
    return None if result.corruptions else "no image in it is corrupted"
