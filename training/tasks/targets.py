"""Training targets: one-hot labels, softened by the votes of other annotators."""

import numpy as np

from fer_core.listing import listed
from training.errors import TrainingError
from training.schema.recipe import Recipe
from training.sources import SOURCES, VOTES, Samples
from training.sources.ferplus import counted_votes
from training.teachers.teacher import Teacher


def targets_for(recipe: Recipe, samples: Samples, teacher: Teacher | None) -> np.ndarray:
    """Return the recipe's targets for training samples, float32 (N, classes), each summing to 1.

    Args:
        recipe: of the run.
        samples: that it learns from.
        teacher: that the recipe names; None if it names none.

    Raises:
        TrainingError: the recipe wants votes and the source has none, or a teacher that knows other
            classes.
        BundleError: the teacher's serving file is not there or damaged.
        DataError: so are the logits of an ensemble's members.
    """
    if recipe.targets == "votes":
        targets = vote_distribution(samples)
    else:
        targets = soften_by_votes(samples, recipe.vote_smoothing)
    if teacher is None:
        return targets
    if objection := teacher.objection(recipe):
        raise TrainingError(objection)
    share = np.full((len(samples), 1), recipe.teacher_share, np.float32)
    if samples.added is not None:
        # Whoever labelled another data set had other habits; the teacher has those of the first.
        share[samples.added] = (recipe.added_teacher_share or 0) if recipe.data.whole else 1
    asked = np.flatnonzero(share)
    soft = np.zeros_like(targets)
    soft[asked] = teacher.soft_targets(
        samples.select(asked), temperature=recipe.teacher_temperature or 1.0
    )
    result: np.ndarray = (1 - share) * targets + share * soft
    return result


def one_hot(samples: Samples) -> np.ndarray:
    """Return float32 (N, classes), 1 at each sample's label."""
    result: np.ndarray = np.eye(len(samples.label_space), dtype=np.float32)[samples.labels]
    return result


def vote_distribution(samples: Samples) -> np.ndarray:
    """Return the distribution of the annotators' votes over the classes, float32 (N, classes).

    Single votes count for nothing, nor do those for "unknown", "not a face" and classes that the label
    space lacks (Barsoum et al. 2016, arXiv:1608.01041). Where none is left, the label stands alone.

    Raises:
        TrainingError: the source has no votes.
    """
    votes = _votes_of(samples, "is to learn")
    counted = counted_votes(votes)[:, [VOTES.index(label) for label in samples.label_space.labels]]
    total = counted.sum(axis=1, keepdims=True)
    return np.where(total > 0, counted / np.maximum(total, 1), one_hot(samples)).astype(np.float32)


def _votes_of(samples: Samples, purpose: str) -> np.ndarray:
    if samples.votes is None:
        with_votes = listed(source.title for source in SOURCES.values() if source.votes_of)
        raise TrainingError(
            f"{samples.source} was read without FER+ votes, which this recipe {purpose}. Train on the "
            f"labels alone with --set vote_smoothing=0 --set targets=labels. {with_votes} alone have votes: "
            "in the parquet pack, or with Microsoft's fer2013new.csv beside fer2013.csv."
        )
    return samples.votes


def soften_by_votes(samples: Samples, share: float) -> np.ndarray:
    """Return targets, float32 (N, classes), mixed with the expectation from FER+ votes by `share`.

    Label smoothing (Szegedy et al. 2016, arXiv:1512.00567) gives a part of each target to all classes
    alike. Here that part goes to the classes that faces with such votes carry: a multinomial logistic
    regression from the ten annotators' vote shares (Barsoum et al. 2016, arXiv:1608.01041) to the label,
    fitted on these samples. A label that nobody else would give weighs less; the order of classes within
    a target keeps the label first for any share up to one half. Faces without votes keep their labels.

    Raises:
        TrainingError: the source has no votes.
    """
    if share == 0:
        return one_hot(samples)
    votes = _votes_of(samples, "softens its targets by")
    from sklearn.linear_model import LogisticRegression

    voted = votes.any(axis=1)
    shares = votes[voted] / votes[voted].sum(axis=1, keepdims=True)
    model = LogisticRegression(max_iter=1000).fit(shares, samples.labels[voted])
    expected = one_hot(samples)
    expected[np.ix_(voted, model.classes_)] = model.predict_proba(shares)
    return (1 - share) * one_hot(samples) + np.float32(share) * expected
