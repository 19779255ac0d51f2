"""A teacher's predictions as a file, which replaces its weights.

A parquet file with one row per face, in the order of the data: of the campaign's training split, then of its
validation splits. `logits` are float16, the mean of those of the face and of its mirror image; what made
them stands in the file's metadata.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from fer_core.errors import DataError
from fer_core.files import replace_file
from fer_core.networks.bundles import sha256_of
from fer_core.settings import models_root
from training.sources import Samples, sha256_of_arrays

#: Key of the record in the file's metadata.
_RECORD: Final = b"second-look"


class PredictedSplit(BaseModel):
    """The images of one split that a teacher predicted.

    Attributes:
        data: "SOURCE:SPLIT".
        n: faces.
        images_sha256: of the images in their order.
    """

    model_config = ConfigDict(frozen=True)

    data: str
    n: int
    images_sha256: str

    @classmethod
    def of(cls, data: str, samples: Samples) -> "PredictedSplit":
        """Return that of samples."""
        return cls(data=data, n=len(samples), images_sha256=sha256_of_arrays(samples.images))


class TeacherRecord(BaseModel):
    """The origin of a teacher's predictions.

    Attributes:
        campaign, teacher: names.
        recipe: all settings of its run.
        settings_sha256: of these.
        seed: of its run.
        epochs: that it was trained for.
        inputs: what its network sees.
        labels: the classes, in the order of the logits.
        splits: what it predicted, in the order of the rows.
        sources: names of the data sets that it and the bundles before it learnt from.
        divisions: of these, `TrainingData.divisions`.
        code_commit, backend, hardware: that trained it.
        seconds: that training took.
        images_per_second: of training.
        accuracy: on the clean rows of each validation split, by "SOURCE:SPLIT".
    """

    model_config = ConfigDict(frozen=True)

    campaign: str
    teacher: str
    recipe: dict[str, Any]
    settings_sha256: str
    seed: int
    epochs: int
    inputs: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[PredictedSplit, ...]
    sources: tuple[str, ...]
    divisions: tuple[str, ...] = ()
    code_commit: str
    backend: str
    hardware: str
    seconds: float
    images_per_second: float
    accuracy: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class TeacherLogits:
    """A teacher's predictions.

    Attributes:
        record: what made them.
        logits: float32 (N, classes) of each split, by "SOURCE:SPLIT".
        sha256: of the file.
    """

    record: TeacherRecord
    logits: dict[str, np.ndarray]
    sha256: str


def teachers_folder(campaign: str) -> Path:
    """Return the folder of a campaign's predictions and ensemble, which is in version control."""
    return models_root() / "teachers" / campaign


def logits_path(campaign: str, teacher: str) -> Path:
    """Return the path of a teacher's predictions."""
    return teachers_folder(campaign) / f"{teacher}.parquet"


def write_logits(record: TeacherRecord, logits: dict[str, np.ndarray]) -> Path:
    """Write a teacher's predictions atomically, and return the file.

    Args:
        record: of the teacher.
        logits: (N, classes) of each of its splits.
    """
    rows = np.concatenate([logits[split.data] for split in record.splits]).astype(np.float16)
    values = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    metadata = {_RECORD: record.model_dump_json().encode()}
    table = pa.table({"logits": values}).replace_schema_metadata(metadata)
    path = logits_path(record.campaign, record.teacher)
    write = functools.partial(
        pq.write_table, table, compression="zstd", compression_level=19, use_dictionary=False
    )
    replace_file(path, write)
    return path


def read_logits(campaign: str, teacher: str) -> TeacherLogits:
    """Read a teacher's predictions.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = logits_path(campaign, teacher)
    mend = (
        "Restore it from version control, or remove it and train the teacher with: python -m training "
        f"campaign {campaign} --only {teacher}"
    )
    if not path.is_file():
        raise DataError(f"There are no stored logits of a teacher at {path}. {mend}")
    try:
        table = pq.read_table(path)
        record = TeacherRecord.model_validate_json((table.schema.metadata or {})[_RECORD])
        rows = table["logits"].combine_chunks().flatten().to_numpy()
        rows = rows.reshape(-1, len(record.labels)).astype(np.float32)
        if len(rows) != sum(split.n for split in record.splits):
            raise ValueError(f"{len(rows)} rows")
        if not np.isfinite(rows).all():
            raise ValueError("logits that are no numbers")
    except (OSError, ValueError, KeyError, ValidationError, pa.ArrowException) as error:
        raise DataError(
            f"{path} holds no readable logits of a teacher ({error}). {mend}"
        ) from error
    ends = np.cumsum([split.n for split in record.splits])[:-1]
    parts = np.split(rows, ends)
    return TeacherLogits(
        record,
        {split.data: part for split, part in zip(record.splits, parts, strict=True)},
        sha256_of(path),
    )


def check_images(teacher: TeacherLogits, split: PredictedSplit) -> None:
    """Raise DataError unless a teacher predicted exactly the images of a split."""
    record = teacher.record
    if split not in record.splits:
        raise DataError(
            f"{logits_path(record.campaign, record.teacher)} has logits of other images than those of "
            f"{split.data} under FER_DATA. Use the data that it was made with, or remove it and train the "
            f"teacher with: python -m training campaign {record.campaign} --only {record.teacher}"
        )
