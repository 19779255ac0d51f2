"""The choice of an ensemble among a campaign's teachers, on clean validation rows.

Members are chosen greedily, with replacement, as Caruana et al. 2004 ("Ensemble selection from libraries of
models") do: the one that lowers the log loss most is added until none lowers it. The log loss is less noisy
than the accuracy on some thousand faces. Logits are divided by each teacher's own temperature first (Guo et
al. 2017, arXiv:1706.04599), so that a member counts by its weight and not by how large its logits are.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from fer_core.evaluation import metrics
from fer_core.evaluation.intervals import estimate_share
from fer_core.networks.softmax import softmax
from training.sources import Samples
from training.teachers.ensemble import Ensemble, Measured, Member, Step
from training.teachers.logits import PredictedSplit, TeacherLogits, check_images

#: A member more than this would count less than a fiftieth.
_MOST_MEMBERS: Final = 50
#: A smaller gain of log loss is none.
_LEAST_GAIN: Final = 1e-5


def choose_ensemble(
    campaign: str,
    teachers: Sequence[TeacherLogits],
    data: str,
    references: Mapping[str, Samples],
    *,
    whole: bool,
) -> Ensemble:
    """Choose the members on the clean rows of the references, which have equal weight.

    Args:
        campaign: its name.
        teachers: their stored logits; the order settles ties.
        data: "SOURCE:train" that the ensemble is to teach.
        references: validation splits by "SOURCE:SPLIT", in the label order of the logits.
        whole: see `Ensemble`.

    Raises:
        DataError: logits are of other images.
        ValueError: there are none.
    """
    if not teachers:
        raise ValueError("an ensemble needs a teacher")
    for split in (PredictedSplit.of(name, samples) for name, samples in references.items()):
        for given in teachers:
            check_images(given, split)
    labels = {name: rows.labels[rows.clean] for name, rows in references.items()}
    clean = [
        {name: given.logits[name][rows.clean] for name, rows in references.items()}
        for given in teachers
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
    records = [teachers[i].record for i in chosen]
    return Ensemble(
        campaign=campaign,
        data=data,
        whole=whole,
        labels=teachers[0].record.labels,
        inputs=tuple(dict.fromkeys(name for record in records for name in record.inputs)),
        members=tuple(
            Member(
                teacher=teachers[i].record.teacher,
                weight=float(weights[i]),
                temperature=temperatures[i],
                sha256=teachers[i].sha256,
            )
            for i in chosen
        ),
        temperature=_temperature(mean, labels),
        measured=_measured(mean, labels),
        teachers={
            given.record.teacher: _measured(logits, labels)
            for given, logits in zip(teachers, clean, strict=True)
        },
        curve=_curve([given.record.teacher for given in teachers], scaled, labels),
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
