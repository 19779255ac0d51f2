"""Agreement between people on FER2013's faces, from FER+'s ten votes per face.

Each face was shown to ten annotators, who chose one of eight expressions, "unknown" or "not a face". For
a set of classes, FER+'s eight or FER2013's seven:

- Among annotators, a face counts if FER+'s label of it (`ferplus.majority_labels`) is one of the classes:
  these are the faces that networks are measured on by that label.
- Against FER2013's label, which every face has, it counts if more than half of its annotators chose one of
  the classes. On the others they saw no face, or nothing that has a name among the classes.
- On the faces that count, an annotator counts who chose one of the classes. Other answers ("unknown",
  "not a face", and contempt where there are seven classes) are left out like abstentions, and counted.
- Each annotator is compared with the rest (leave one out): it agrees if it chose what most of the others
  chose among the classes. If k classes tie among the others, choosing one of them counts 1/k, which is
  how often it would agree with a tie broken by lot. Nothing is left out for a tie.
- Against FER2013's own label, which came from other people, it agrees if it chose that label.

Only the counts of votes are known and only they matter: all annotators of a face with the same answer are
alike, so the shares are exact. Intervals are percentiles of a bootstrap over faces, since the ten answers to
one face are not independent.
"""

from typing import Final

import numpy as np

from fer_core.errors import DataError
from fer_core.evaluation.human_agreement import FER2013_LABEL, OTHERS, Agreement
from fer_core.expressions import FER2013, FERPLUS, LabelSpace
from training import sources
from training.sources import VOTES, Split, ferplus

SPLITS: Final = (Split.VALID, Split.TEST)
_LEVEL: Final = 0.95
_RESAMPLES: Final = 10_000


def measure_annotators() -> list[Agreement]:
    """Return all agreements of the validation and test splits.

    Raises:
        DataError: FER2013 with the votes is not there.
    """
    rows = []
    for split in SPLITS:
        votes, labels = ferplus.load_votes(sources.data_root(), split)
        rows += [
            agreement(votes, FERPLUS, split=split),
            agreement(votes, FER2013, split=split),
            agreement(votes, FER2013, split=split, labels=labels),
        ]
    return rows


def agreement(
    votes: np.ndarray, space: LabelSpace, *, split: str, labels: np.ndarray | None = None
) -> Agreement:
    """Return the agreement of one annotator with the others, or with given labels.

    Args:
        votes: int64 (N, 10), how many annotators chose each of `VOTES`.
        space: the classes.
        split: that the faces are of.
        labels: int64 (N,), indices into `space`; None to compare with the other annotators.

    Raises:
        DataError: no face counts.
    """
    chosen = votes[:, [VOTES.index(label) for label in space.labels]]
    if labels is None:
        known = [FERPLUS.labels.index(label) for label in space.labels]
        counts = np.isin(ferplus.majority_labels(votes), known)
    else:
        counts = 2 * chosen.sum(axis=1) > votes.sum(axis=1)
    if not counts.any():
        raise DataError(
            f"None of the {len(votes)} faces of the {split} split has most of its votes in the classes "
            f"{', '.join(space.labels)}. The votes may belong to other images; copy them again."
        )
    chosen = chosen[counts]
    if labels is None:
        agreeing = agreeing_with_others(chosen)
    else:
        agreeing = chosen[np.arange(len(chosen)), labels[counts]].astype(np.float64)
    judgements = chosen.sum(axis=1)
    low, high = _interval(agreeing, judgements)
    return Agreement(
        source=ferplus.NAME,
        split=str(split),
        label_space=space.name,
        agreement_with=OTHERS if labels is None else FER2013_LABEL,
        n_faces=len(chosen),
        n_faces_left_out=int((~counts).sum()),
        n_judgements=int(judgements.sum()),
        n_judgements_left_out=int(votes[counts].sum() - judgements.sum()),
        agreement=float(agreeing.sum() / judgements.sum()),
        low=low,
        high=high,
    )


def agreeing_with_others(votes: np.ndarray) -> np.ndarray:
    """Return float64 (N,), the number of each face's annotators who chose what most others chose.

    One that chose one of k classes that tie among the others counts 1/k.

    Args:
        votes: int64 (N, C), how many annotators chose each class, two or more a face.
    """
    classes = np.arange(votes.shape[1])
    # By face and own choice: what the others chose. Choices that nobody made weigh nothing below.
    others = votes[:, None, :] - np.eye(len(classes), dtype=votes.dtype)
    most = others.max(axis=2)
    tied = (others == most[:, :, None]).sum(axis=2)
    agrees = (others[:, classes, classes] == most) / tied
    result: np.ndarray = (votes * agrees).sum(axis=1)
    return result


def _interval(agreeing: np.ndarray, judgements: np.ndarray) -> tuple[float, float]:
    """Return the bootstrap interval of sum(agreeing) / sum(judgements) over faces.

    Faces with equal numbers are alike, and how many of each kind a resample draws is multinomial, so no
    face is handled.
    """
    kinds, n = np.unique(np.stack([agreeing, judgements]), axis=1, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(n.sum(), n / n.sum(), size=_RESAMPLES)
    shares = (drawn @ kinds[0]) / (drawn @ kinds[1])
    low, high = np.quantile(shares, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
