"""The ensemble of a campaign's teachers: its file, and the ensemble as the teacher of a student.

`training.campaign.selection` chooses its members.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from fer_core.errors import DataError
from fer_core.files import replace_text
from fer_core.networks.softmax import softmax
from fer_core.settings import models_root
from training import sources
from training.errors import TrainingError
from training.sources import Samples, Split
from training.sources.ancestors import Ancestor
from training.teachers.logits import (
    PredictedSplit,
    check_images,
    logits_path,
    read_logits,
    teachers_folder,
)
from training.teachers.teacher import Teacher

if TYPE_CHECKING:
    from training.schema.recipe import Recipe

#: What a recipe's `teacher` begins with if it names a campaign.
ENSEMBLE: Final = "ensemble:"


class Measured(BaseModel):
    """Accuracy and log loss on the clean rows of one validation split.

    Attributes:
        data: "SOURCE:SPLIT".
        n: faces.
        accuracy: with its 95 % bootstrap interval, `accuracy_low` to `accuracy_high`.
        nll: log loss at the temperature that fits these rows best.
    """

    model_config = ConfigDict(frozen=True)

    data: str
    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    nll: float


class Member(BaseModel):
    """A teacher in the ensemble.

    Attributes:
        teacher: its name.
        weight: share of the mean logits.
        temperature: that its logits are divided by.
        sha256: of the file of its logits.
    """

    model_config = ConfigDict(frozen=True)

    teacher: str
    weight: float
    temperature: float
    sha256: str


class Step(BaseModel):
    """A point of the curve of accuracy against the number of teachers, all of equal weight.

    Attributes:
        teacher: added to those of the steps before, the one with which the log loss is lowest.
        measured: the mean of all so far, on each reference.
    """

    model_config = ConfigDict(frozen=True)

    teacher: str
    measured: tuple[Measured, ...]


class Ensemble(BaseModel):
    """An ensemble of a campaign's teachers.

    Attributes:
        campaign: its name.
        data: "SOURCE:train" that it can teach.
        whole: whether that has all faces of a second data set.
        labels: the classes, in the order of its probabilities.
        inputs: what its members see, any of them.
        members: by weight.
        temperature: that the mean of the members' logits is divided by.
        measured: the ensemble on each reference.
        teachers: the same of each teacher that could be chosen, by its name.
        curve: what each further teacher adds.
        sources: names of the data sets that its members learnt from.
        divisions: of these, `TrainingData.divisions`.
    """

    model_config = ConfigDict(frozen=True)

    campaign: str
    data: str
    whole: bool
    labels: tuple[str, ...]
    inputs: tuple[str, ...]
    members: tuple[Member, ...]
    temperature: float
    measured: tuple[Measured, ...]
    teachers: dict[str, tuple[Measured, ...]]
    curve: tuple[Step, ...]
    sources: tuple[str, ...]
    divisions: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Digest of what identifies the ensemble: its members, their weights and their predictions.

        Temperatures and measurements follow from these. Another machine computes them with other last bits,
        and must still find the students of this ensemble.
        """
        members = sorted((one.teacher, one.weight, one.sha256) for one in self.members)
        return hashlib.sha256(json.dumps(members).encode()).hexdigest()


def campaign_of(teacher: str) -> str | None:
    """Return the campaign whose ensemble a recipe's `teacher` names; None if that is a bundle."""
    return teacher.removeprefix(ENSEMBLE) if teacher.startswith(ENSEMBLE) else None


def ensemble_path(campaign: str) -> Path:
    """Return the file of a campaign's ensemble."""
    return teachers_folder(campaign) / "ensemble.json"


def write_ensemble(ensemble: Ensemble) -> Path:
    """Write an ensemble atomically, and return the file; equal ensembles give equal bytes."""
    path = ensemble_path(ensemble.campaign)
    replace_text(path, ensemble.model_dump_json(indent=2) + "\n")
    return path


def read_ensemble(campaign: str) -> Ensemble:
    """Read the ensemble of a campaign; raise DataError if it is missing or damaged."""
    path = ensemble_path(campaign)
    mend = (
        f"Make it from the teachers that are finished with: python -m training campaign {campaign}"
    )
    if not path.is_file():
        raise DataError(f"There is no ensemble {path}. {mend}")
    try:
        return Ensemble.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable ensemble ({error}). {mend}") from error


@dataclass(frozen=True, slots=True)
class EnsembleTeacher(Teacher):
    """The ensemble of a campaign's teachers as the teacher of a student.

    Attributes:
        campaign: its name.
        ensemble: as it is now.
    """

    campaign: str
    ensemble: Ensemble

    @classmethod
    def of(cls, campaign: str) -> Self:
        """Return the teacher of a campaign; raise DataError if its ensemble is missing or damaged."""
        return cls(campaign, read_ensemble(campaign))

    @property
    def ancestor(self) -> Ancestor:
        """The record of it in a run."""
        return Ancestor(
            name=ENSEMBLE + self.campaign,
            sha256=self.ensemble.sha256,
            sources=self.ensemble.sources,
            divisions=self.ensemble.divisions,
        )

    def objection(self, recipe: "Recipe") -> str | None:
        """Return the reason why a recipe must not learn from it: only the teachers see landmarks.

        It would learn what they know of landmarks, and a comparison of both kinds would tell nothing.
        """
        if "landmarks" not in self.ensemble.inputs or recipe.architecture.sees_landmarks:
            return None
        return (
            f"Teachers of {self.campaign} see landmarks, and {recipe.name} sees pixels alone. Name an "
            "ensemble of teachers that see pixels: --set teacher=ensemble:CAMPAIGN"
        )

    def soft_targets(self, samples: Samples, *, temperature: float = 1.0) -> np.ndarray:
        """Return calibrated probabilities of training faces, float32 (N, classes), in their label order.

        Args:
            samples: rows of the training split that its teachers predicted.
            temperature: the calibrated logits are divided by it.

        Raises:
            DataError: logits of a member are missing, damaged, changed since the ensemble was chosen, or
                of other images.
            TrainingError: its teachers did not predict a class or a row of the samples.
        """
        campaign, ensemble = self.campaign, self.ensemble
        if lacking := set(samples.label_space.labels) - set(ensemble.labels):
            raise TrainingError(
                f"The ensemble {campaign} lacks classes of {samples.source}: {', '.join(sorted(lacking))}."
            )
        source, _, split = ensemble.data.rpartition(":")
        predicted = sources.load(source, Split(split), whole=ensemble.whole)
        images = PredictedSplit.of(ensemble.data, predicted)
        at = _positions(predicted, samples, campaign)
        logits = np.zeros((len(samples), len(ensemble.labels)), np.float32)
        for member in ensemble.members:
            stored = read_logits(campaign, member.teacher)
            if stored.sha256 != member.sha256:
                raise DataError(
                    f"{logits_path(campaign, member.teacher)} is not the file that was there when "
                    f"{ensemble_path(campaign)} was chosen. Restore both from version control, or choose "
                    f"again with: python -m training campaign {campaign}"
                )
            check_images(stored, images)
            logits += member.weight / member.temperature * stored.logits[ensemble.data][at]
        ours = [ensemble.labels.index(label) for label in samples.label_space.labels]
        return softmax(logits[:, ours], temperature=ensemble.temperature * temperature)

    def files(self, rows: Callable[[], Samples]) -> dict[Path, str]:
        """Return the ensemble's file and its members' predictions, whatever the rows."""
        members = (logits_path(self.campaign, member.teacher) for member in self.ensemble.members)
        return {
            file: f"models/{file.relative_to(models_root())}"
            for file in (ensemble_path(self.campaign), *members)
        }


def _positions(predicted: Samples, samples: Samples, campaign: str) -> np.ndarray:
    """Return the index of each sample, int64 (N,), among the predicted rows."""
    order = np.argsort(predicted.rows)
    found = np.searchsorted(predicted.rows, samples.rows, sorter=order)
    at = order[np.minimum(found, len(order) - 1)]
    if samples.source != predicted.source or not np.array_equal(
        predicted.images[at], samples.images
    ):
        raise TrainingError(
            f"The teachers of {campaign} predicted the training faces of {predicted.source}, and "
            f"{samples.source} has others. Set data.source={predicted.source}, or name another teacher."
        )
    return at
