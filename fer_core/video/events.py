"""Changes of a person's expression, without flicker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fer_core.expressions import Expression
from fer_core.networks.classifier import Prediction

#: How much more probable than the old expression a new one has to be, and for how long.
MARGIN: Final = 0.1
HOLD_SECONDS: Final = 0.3
#: Times of frames are rounded.
TOLERANCE_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a person's expression, according to one network.

    Attributes:
        time_s: when the new expression took the lead.
        track: the person's number.
        network: whose prediction it is.
        before, after: the expressions.
    """

    time_s: float
    track: int
    network: str
    before: Expression
    after: Expression


@dataclass(slots=True)
class _State:
    expression: Expression | None
    rival: Expression | None = None
    since_s: float = 0.0


class EventFinder:
    """Finds changes in a stream of smoothed predictions.

    An expression counts after the network has been confident of it for `hold_s`, ahead of the previous one
    by `margin`. The first expression is not a change. Unclear predictions do not count: happy, unclear for a
    second, then happy again is no change.
    """

    def __init__(self, *, margin: float = MARGIN, hold_s: float = HOLD_SECONDS) -> None:
        """Start before the first frame.

        Args:
            margin: of the probabilities of the new and the old expression, in [0, 1].
            hold_s: seconds for which it has to last.
        """
        self._margin = margin
        self._hold_s = hold_s
        self._states: dict[tuple[int, str], _State] = {}

    def add(
        self,
        track: int,
        time_s: float,
        predictions: Mapping[str, Prediction],
        *,
        was_away: bool = False,
    ) -> list[Event]:
        """Return the changes that this frame confirms; they may have begun earlier.

        Args:
            track: the person's number.
            time_s: of the frame, later than those before.
            predictions: each network's, smoothed.
            was_away: whether the person was not in the frame before: what is seen now may not have lasted.
        """
        found = []
        for name, prediction in predictions.items():
            key = track, name
            state = self._states.setdefault(key, _State(None))
            rival = self._rival(state, prediction)
            if rival != state.rival or was_away:
                state.rival, state.since_s = rival, time_s
            if rival is not None and time_s - state.since_s >= self._hold_s - TOLERANCE_S:
                if state.expression is not None:
                    found.append(Event(state.since_s, track, name, state.expression, rival))
                self._states[key] = _State(rival)
        return found

    def _rival(self, state: _State, prediction: Prediction) -> Expression | None:
        """Return the expression that leads the previous one by a margin; None without one."""
        if prediction.abstained or prediction.expression == state.expression:
            return None
        if state.expression is None:
            return prediction.expression
        old = float(prediction.probabilities[prediction.labels.index(state.expression)])
        return prediction.expression if prediction.confidence - old >= self._margin else None
