"""The ensemble of a campaign's teachers: chosen on clean validation rows, then used as a teacher.

Members are chosen greedily, with replacement, as Caruana et al. 2004 ("Ensemble selection from libraries of
models") do: the one that lowers the log loss most is added until none lowers it. The log loss is less noisy
than the accuracy on some thousand faces. Logits are divided by each teacher's own temperature first (Guo et
al. 2017, arXiv:1706.04599), so that a member counts by its weight and not by how large its logits are.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from fer_core.errors import DataError
from fer_core.evaluation import metrics
from fer_core.evaluation.intervals import estimate_share
from fer_core.files import replace_file
from fer_core.networks.softmax import softmax
from fer_core.settings import models_root
from training import sources
from training.campaign.answers import (
    AnsweredSplit,
    TeacherAnswers,
    answers_path,
    check_images,
    read_answers,
)
from training.campaign.plan import answers_folder
from training.errors import TrainingError
from training.loop.ancestors import Ancestor
from training.sources import Samples, Split
from training.tasks.teacher import Teacher

if TYPE_CHECKING:
    from training.schema.recipe import Recipe

#: What a recipe's `teacher` begins with if it names a campaign.
ENSEMBLE: Final = "ensemble:"
#: A member more than this would count less than a fiftieth.
_MOST_MEMBERS: Final = 50
#: A smaller gain of log loss is none.
_LEAST_GAIN: Final = 1e-5


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
        sha256: of the file of its answers.
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
        labels: the classes, in the order of its answers.
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
    return answers_folder(campaign) / "ensemble.json"


def choose_ensemble(
    campaign: str,
    answers: Sequence[TeacherAnswers],
    data: str,
    references: Mapping[str, Samples],
    *,
    whole: bool,
) -> Ensemble:
    """Choose the members on the clean rows of the references, which have equal weight.

    Args:
        campaign: its name.
        answers: of the teachers; the order settles ties.
        data: "SOURCE:train" that the ensemble is to teach.
        references: validation splits by "SOURCE:SPLIT", in the label order of the answers.
        whole: see `Ensemble`.

    Raises:
        DataError: answers are of other images.
        ValueError: there are none.
    """
    if not answers:
        raise ValueError("an ensemble needs a teacher")
    for split in (AnsweredSplit.of(name, samples) for name, samples in references.items()):
        for given in answers:
            check_images(given, split)
    labels = {name: rows.labels[rows.clean] for name, rows in references.items()}
    clean = [
        {name: given.logits[name][rows.clean] for name, rows in references.items()}
        for given in answers
    ]
    temperatures = [_temperature(logits, labels) for logits in clean]
    scaled = [
        {name: values / temperature for name, values in logits.items()}
        for logits, temperature in zip(clean, temperatures, strict=True)
    ]
    weights = _chosen(scaled, labels)
    mean = _mean(scaled, weights)
    # The heaviest first; those of equal weight keep their order.
    chosen = [int(i) for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
    records = [answers[i].record for i in chosen]
    return Ensemble(
        campaign=campaign,
        data=data,
        whole=whole,
        labels=answers[0].record.labels,
        inputs=tuple(dict.fromkeys(name for record in records for name in record.inputs)),
        members=tuple(
            Member(
                teacher=answers[i].record.teacher,
                weight=float(weights[i]),
                temperature=temperatures[i],
                sha256=answers[i].sha256,
            )
            for i in chosen
        ),
        temperature=_temperature(mean, labels),
        measured=_measured(mean, labels),
        teachers={
            given.record.teacher: _measured(logits, labels)
            for given, logits in zip(answers, clean, strict=True)
        },
        curve=_curve([given.record.teacher for given in answers], scaled, labels),
        sources=tuple(dict.fromkeys(name for record in records for name in record.sources)),
        divisions=tuple(dict.fromkeys(name for record in records for name in record.divisions)),
    )


def _chosen(
    scaled: Sequence[Mapping[str, np.ndarray]], labels: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the weight of each teacher, float64 (T,), summing to 1."""
    counts = np.zeros(len(scaled), int)
    best = np.inf
    while counts.sum() < _MOST_MEMBERS:
        losses = []
        for candidate in range(len(scaled)):
            tried = counts.copy()
            tried[candidate] += 1
            losses.append(_loss(_mean(scaled, tried / tried.sum()), labels))
        if best - min(losses) < _LEAST_GAIN:
            break
        best = min(losses)
        counts[int(np.argmin(losses))] += 1
    result: np.ndarray = counts / counts.sum()
    return result


def _curve(
    names: Sequence[str],
    scaled: Sequence[Mapping[str, np.ndarray]],
    labels: Mapping[str, np.ndarray],
) -> tuple[Step, ...]:
    """Return the steps from the best single teacher to the mean of all."""
    chosen = np.zeros(len(scaled), bool)
    steps = []
    while not chosen.all():
        means = {}
        for candidate in np.flatnonzero(~chosen):
            tried = chosen.copy()
            tried[candidate] = True
            means[int(candidate)] = _mean(scaled, tried / tried.sum())
        best = min(means, key=lambda i: _loss(means[i], labels))
        chosen[best] = True
        steps.append(Step(teacher=names[best], measured=_measured(means[best], labels)))
    return tuple(steps)


def _mean(scaled: Sequence[Mapping[str, np.ndarray]], weights: np.ndarray) -> dict[str, np.ndarray]:
    return {
        name: np.sum(
            [w * logits[name] for w, logits in zip(weights, scaled, strict=True) if w], axis=0
        )
        for name in scaled[0]
    }


def _loss(logits: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> float:
    """Return the mean over the references of the log loss, at the temperature that fits best."""
    temperature = _temperature(logits, labels)
    return float(np.mean([_nll(logits[name], labels[name], temperature) for name in logits]))


def _temperature(logits: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> float:
    """Return the temperature that fits the first reference, as in a bundle."""
    first = next(iter(labels))
    return metrics.fit_temperature(logits[first], labels[first])


def _nll(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    return metrics.nll(labels, softmax(logits, temperature=temperature))


def _measured(
    logits: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]
) -> tuple[Measured, ...]:
    found = []
    temperature = _temperature(logits, labels)
    for name, values in logits.items():
        accuracy = estimate_share(values.argmax(axis=1) == labels[name])
        found.append(
            Measured(
                data=name,
                n=len(values),
                accuracy=accuracy.value,
                accuracy_low=accuracy.low,
                accuracy_high=accuracy.high,
                nll=_nll(values, labels[name], temperature),
            )
        )
    return tuple(found)


def write_ensemble(ensemble: Ensemble) -> Path:
    """Write an ensemble atomically, and return the file; equal ensembles give equal bytes."""
    path = ensemble_path(ensemble.campaign)
    text = ensemble.model_dump_json(indent=2) + "\n"
    replace_file(path, partial(Path.write_text, data=text, encoding="utf-8"))
    return path


def read_ensemble(campaign: str) -> Ensemble:
    """Read the ensemble of a campaign; raise DataError if it is missing or damaged."""
    path = ensemble_path(campaign)
    mend = f"Make it from the answers that there are with: python -m training campaign {campaign}"
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

    def answers(self, samples: Samples, *, temperature: float = 1.0) -> np.ndarray:
        """Return calibrated probabilities of training faces, float32 (N, classes), in their label order.

        Args:
            samples: rows of the training split that its teachers answered.
            temperature: the calibrated logits are divided by it.

        Raises:
            DataError: a member's answers are missing, damaged, other than when the ensemble was chosen, or
                of other images.
            TrainingError: a class or a row of the samples was not answered.
        """
        campaign, ensemble = self.campaign, self.ensemble
        if lacking := set(samples.label_space.labels) - set(ensemble.labels):
            raise TrainingError(
                f"The ensemble {campaign} lacks classes of {samples.source}: {', '.join(sorted(lacking))}."
            )
        source, _, split = ensemble.data.rpartition(":")
        answered = sources.load(source, Split(split), whole=ensemble.whole)
        images = AnsweredSplit.of(ensemble.data, answered)
        at = _positions(answered, samples, campaign)
        logits = np.zeros((len(samples), len(ensemble.labels)), np.float32)
        for member in ensemble.members:
            answers = read_answers(campaign, member.teacher)
            if answers.sha256 != member.sha256:
                raise DataError(
                    f"{answers_path(campaign, member.teacher)} is not the file that was there when "
                    f"{ensemble_path(campaign)} was chosen. Restore both from version control, or choose "
                    f"again with: python -m training campaign {campaign}"
                )
            check_images(answers, images)
            logits += member.weight / member.temperature * answers.logits[ensemble.data][at]
        ours = [ensemble.labels.index(label) for label in samples.label_space.labels]
        return softmax(logits[:, ours], temperature=ensemble.temperature * temperature)

    def files(self, rows: Callable[[], Samples]) -> dict[Path, str]:
        """Return the ensemble's file and its members' predictions, whatever the rows."""
        members = (answers_path(self.campaign, member.teacher) for member in self.ensemble.members)
        return {
            file: f"models/{file.relative_to(models_root())}"
            for file in (ensemble_path(self.campaign), *members)
        }


def _positions(answered: Samples, samples: Samples, campaign: str) -> np.ndarray:
    """Return the index of each sample, int64 (N,), among the predicted rows."""
    order = np.argsort(answered.rows)
    found = np.searchsorted(answered.rows, samples.rows, sorter=order)
    at = order[np.minimum(found, len(order) - 1)]
    if samples.source != answered.source or not np.array_equal(answered.images[at], samples.images):
        raise TrainingError(
            f"The teachers of {campaign} answered the training faces of {answered.source}, and "
            f"{samples.source} has others. Set data.source={answered.source}, or name another teacher."
        )
    return at
