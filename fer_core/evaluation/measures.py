"""The registry of measures: one entry holds everything about a measure.

Dashboards, the JSON line of `training evaluate`, specs, cards, the README's table, the command `models` and
study tables read MEASURES. A new measure is one entry here and its formula in `metrics`.

A measure is a formula of sums over rows, such as the confusion matrix or the sum of losses. Its value on all
rows and its values on a thousand resamples (`intervals`) are then one formula, computed on sums that
measures share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from fer_core.evaluation import metrics
from fer_core.listing import capitalized

#: What each row adds, (N, ...), from labels int (N,) and probabilities float (N, C).
Addends: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Formula(NamedTuple):
    """How a measure is computed.

    Attributes:
        addends: what each row adds to the sums. Measures that name the same function share its sums.
        value: float64 (B,) from the sums (B, ...) over B sets of rows, and the rows of each set.
    """

    addends: Addends
    value: Callable[[np.ndarray, int], np.ndarray]


def of_counts(formula: Callable[[np.ndarray], np.ndarray]) -> Formula:
    """Return the formula of a measure that is a function of the confusion matrix."""
    return Formula(metrics.confusion_cells, lambda counts, _: formula(counts))


def mean_of(rows: Addends) -> Formula:
    """Return the formula of a measure that is the mean of one value per row, (N,)."""
    return Formula(rows, lambda sums, n: sums / n)


def _in_top_2(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return metrics.in_top(labels, probabilities, 2)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a classifier. All measures are in the headline table, specs and JSON.

    Attributes:
        name: key in specs, JSON and columns of files. On clean rows, the key is `NAME_clean`.
        title: for people, where there is room.
        short: the same for column heads, as it is written inside a sentence.
        better: whether higher or lower values are better.
        best: value of perfect answers.
        percent: whether people read it as a percentage: shares of faces are, scores and errors are not.
        meaning: definition in one plain sentence.
        source: publication or implementation that defines it.
        formula: how it is computed.
        in_tables: whether tables of one network with a column a measure show it: cards, the models page,
            study tables.
        in_summaries: whether summaries of all networks name it beside accuracy: the README's table, the
            command `models`.
        hub_metric: the Hugging Face Hub's name of it, for the metadata of cards; None leaves it out there.
    """

    name: str
    title: str
    short: str
    better: Literal["higher", "lower"]
    best: float
    percent: bool
    meaning: str
    source: str
    formula: Formula
    in_tables: bool = False
    in_summaries: bool = False
    hub_metric: str | None = None

    @property
    def head(self) -> str:
        """The short title with a capital letter, for the head of a column."""
        return capitalized(self.short)

    @property
    def definition(self) -> str:
        """The meaning with its source, for lists of definitions."""
        return f"{self.meaning.removesuffix('.')} ({self.source})."

    def of(self, labels: np.ndarray, probabilities: np.ndarray) -> float:
        """Return the measure for predictions on labelled rows; NaN without rows or if it is not defined.

        Args:
            labels: int (N,), class indices.
            probabilities: float (N, C).

        Raises:
            ValueError: labels do not fit the probabilities.
        """
        metrics.check_labels(labels, probabilities)
        if not len(labels):
            return float("nan")
        addends, value = self.formula
        sums = addends(labels, probabilities).sum(axis=0, dtype=np.float64)
        return float(value(sums[None], len(labels))[0])

    def text(self, value: float, *, digits: int) -> str:
        """Return a value as text with `digits` decimals; percentages have two fewer."""
        return f"{value:.{digits - 2}%}" if self.percent else f"{value:.{digits}f}"


MEASURES: Final = (
    Measure(
        name="accuracy",
        title="Accuracy",
        short="accuracy",
        better="higher",
        best=1,
        percent=True,
        meaning="Share of faces whose most likely expression is the label.",
        source="scikit-learn's `accuracy_score`",
        formula=of_counts(metrics.share_right),
        in_tables=True,
        hub_metric="accuracy",
    ),
    Measure(
        name="balanced_accuracy",
        title="Balanced accuracy (macro recall)",
        short="balanced accuracy",
        better="higher",
        best=1,
        percent=True,
        meaning="Mean over the expressions of the share of their faces that are predicted correctly.",
        source="Brodersen et al. 2010, as scikit-learn's `balanced_accuracy_score`",
        formula=of_counts(metrics.balanced_accuracy),
    ),
    Measure(
        name="macro_precision",
        title="Macro precision",
        short="macro precision",
        better="higher",
        best=1,
        percent=True,
        meaning="Share of an expression's predictions that are right, averaged over the expressions that "
        "have faces.",
        source="scikit-learn's `precision_score` with these expressions as `labels`",
        formula=of_counts(metrics.macro_precision),
    ),
    Measure(
        name="macro_f1",
        title="Macro F1",
        short="macro F1",
        better="higher",
        best=1,
        percent=False,
        meaning="Harmonic mean of precision and recall, averaged over the expressions that have faces.",
        source="Opitz and Burst 2019, arXiv:1911.03347; scikit-learn's `f1_score` with these expressions "
        "as `labels`",
        formula=of_counts(metrics.macro_f1),
        in_tables=True,
        in_summaries=True,
        hub_metric="f1",
    ),
    Measure(
        name="weighted_f1",
        title="Weighted F1",
        short="weighted F1",
        better="higher",
        best=1,
        percent=False,
        meaning="Mean of F1 over the expressions, weighted by their number of faces.",
        source="scikit-learn's `f1_score`",
        formula=of_counts(metrics.weighted_f1),
    ),
    Measure(
        name="top2_accuracy",
        title="Top-2 accuracy",
        short="top-2 accuracy",
        better="higher",
        best=1,
        percent=True,
        meaning="Share of faces whose label is one of the two most likely expressions.",
        source="scikit-learn's `top_k_accuracy_score`",
        formula=mean_of(_in_top_2),
    ),
    Measure(
        name="cohen_kappa",
        title="Cohen's kappa",
        short="kappa",
        better="higher",
        best=1,
        percent=False,
        meaning="Agreement with the labels beyond chance: 1 if all is right, 0 at chance level.",
        source="Cohen 1960",
        formula=of_counts(metrics.cohen_kappa),
    ),
    Measure(
        name="mcc",
        title="Matthews correlation (MCC)",
        short="MCC",
        better="higher",
        best=1,
        percent=False,
        meaning="Correlation of predictions and labels over all expressions: 1 if all is right, 0 at "
        "chance level.",
        source="Gorodkin 2004, as scikit-learn's `matthews_corrcoef`",
        formula=of_counts(metrics.matthews_correlation),
        in_tables=True,
        hub_metric="matthews_correlation",
    ),
    Measure(
        name="nll",
        title="Log loss",
        short="log loss",
        better="lower",
        best=0,
        percent=False,
        meaning="Mean of -ln of the label's probability: high if confident predictions are wrong.",
        source="Guo et al. 2017, arXiv:1706.04599, section 2",
        formula=mean_of(metrics.row_nll),
        in_tables=True,
    ),
    Measure(
        name="brier",
        title="Brier score",
        short="Brier score",
        better="lower",
        best=0,
        percent=False,
        meaning="Mean squared distance between the probabilities and the label, 0 to 2.",
        source="Brier 1950",
        formula=mean_of(metrics.row_brier),
    ),
    Measure(
        name="ece",
        title="Calibration error (ECE)",
        short="ECE",
        better="lower",
        best=0,
        percent=False,
        meaning=f"Mean difference between confidence and accuracy in {metrics.ECE_BINS} intervals of "
        "confidence; each counts with its share of the faces.",
        source="Guo et al. 2017, arXiv:1706.04599",
        formula=Formula(metrics.confidence_gaps, lambda gaps, n: np.abs(gaps).sum(axis=-1) / n),
        in_tables=True,
        in_summaries=True,
        hub_metric="ece",
    ),
)
