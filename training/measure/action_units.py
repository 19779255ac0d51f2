"""Do estimated action units rise in the expressions that are made of them?

CK+'s expressions were posed, and labelled by their action units (Lucey et al. 2010, table 3). Each unit is
compared with its average in FER2013's neutral training faces. That average and not a person's own resting
face, since neither set has one.
"""

from typing import Final

import numpy as np

from fer_core.errors import DataError
from fer_core.evaluation.action_unit_checks import ActionUnitCheck
from fer_core.expressions import Expression
from fer_core.faces.action_units import ACTION_UNITS, ActionUnit
from fer_core.faces.landmarks import SHAPES
from training.sources import Samples
from training.sources.landmark_cache import with_landmarks

#: Units that failed on CK+ and are estimated nowhere else. Of cheekSquint and noseSneer MediaPipe's model
#: gives 0 for nearly every face.
FAILED: Final = (
    ActionUnit("AU06", "cheek raiser", ("cheekSquint",)),
    ActionUnit("AU09", "nose wrinkler", ("noseSneer",)),
    ActionUnit("AU14", "dimpler", ("mouthDimple",)),
    ActionUnit("AU15", "lip corner depressor", ("mouthFrown",)),
    ActionUnit("AU16", "lower lip depressor", ("mouthLowerDown",)),
    ActionUnit("AU24", "lip pressor", ("mouthPress",)),
)
#: Prototypes: Lucey et al. 2010, table 3, and Friesen and Ekman 1983 (EMFACS).
PROTOTYPES: Final = {
    Expression.ANGRY: ("AU04", "AU05", "AU07", "AU17", "AU24"),
    Expression.DISGUST: ("AU09", "AU10", "AU16", "AU17"),
    Expression.FEAR: ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25", "AU26"),
    Expression.HAPPY: ("AU06", "AU12", "AU25"),
    Expression.SAD: ("AU01", "AU04", "AU15", "AU17"),
    Expression.SURPRISE: ("AU01", "AU02", "AU05", "AU25", "AU26"),
    Expression.CONTEMPT: ("AU14",),
}


def check_action_units(posed: Samples, faces: Samples) -> list[ActionUnitCheck]:
    """Compare each unit in the expressions whose prototype has it with its neutral average.

    Args:
        posed: faces with posed expressions.
        faces: with neutral ones among them, which give the average.

    Raises:
        DataError: no neutral face has landmarks, or no posed one of an expression.
    """
    neutral = _blendshapes(faces, Expression.NEUTRAL)
    rows = []
    for expression, codes in PROTOTYPES.items():
        shown = _blendshapes(posed, expression)
        for unit in (*ACTION_UNITS, *FAILED):
            if unit.code in codes:
                values, resting = unit.intensity(shown), unit.intensity(neutral)
                average = float(resting.mean())
                rows.append(
                    ActionUnitCheck(
                        unit=unit.code,
                        expression=str(expression),
                        source=f"{posed.source}:{posed.split}",
                        n=len(values),
                        mean=float(values.mean()),
                        share_above=float((values > average).mean()),
                        neutral_source=f"{faces.source}:{faces.split}",
                        neutral_n=len(resting),
                        neutral_mean=average,
                        neutral_share_above=float((resting > average).mean()),
                    )
                )
    return sorted(rows, key=lambda row: row.unit)


def _blendshapes(samples: Samples, expression: Expression) -> np.ndarray:
    """Return the blendshapes, float32 (N, 52), of the faces of an expression that have landmarks."""
    chosen = samples.select(samples.labels == samples.label_space.labels.index(expression))
    features = np.asarray(with_landmarks(chosen).landmarks, np.float32)
    found = features[features.any(axis=1), SHAPES]
    if not len(found):
        raise DataError(
            f"{samples.source} has no face of the expression {expression} with landmarks."
        )
    return found
