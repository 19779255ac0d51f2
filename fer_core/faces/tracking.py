"""Tracking of people through a video or before a camera, from frame to frame.

People are told apart by the places of their faces alone. A person who leaves and returns gets a new number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from fer_core.faces.face import Face
from fer_core.faces.search import iou

#: A face that was not seen for longer is dropped.
MAX_GAP_SECONDS: Final = 1.0
#: How far a face may move between two frames, in its widths: a constant, plus a rate per second.
_MOVE: Final = 0.6
_MOVE_A_SECOND: Final = 1.5
_MOST_MOVE: Final = 1.5
#: How many times as large or small it may become.
_MOST_GROWTH: Final = 2.0
#: Cost of an impossible match, a little above the largest of a possible one: two bad matches are no better
#: than a good one and somebody new.
_NEVER: Final = _MOST_MOVE + 1.01


@dataclass(slots=True)
class _Track:
    number: int
    face: Face
    time_s: float


class Tracker:
    """Numbers people from 1, in order of appearance."""

    def __init__(
        self, *, max_gap_s: float = MAX_GAP_SECONDS, frames_may_last: bool = False
    ) -> None:
        """Start before the first frame.

        Args:
            max_gap_s: how long a face may be out of sight.
            frames_may_last: whether who was in the last frame is followed however long ago it was, as in a
                video in which one picture is shown for seconds.
        """
        self._max_gap_s = max_gap_s
        self._frames_may_last = frames_may_last
        self._last_s: float | None = None
        self._tracks: list[_Track] = []
        self._count = 0

    @property
    def numbers(self) -> frozenset[int]:
        """Of the people who are followed, in sight or not."""
        return frozenset(track.number for track in self._tracks)

    def follow(self, faces: Sequence[Face], time_s: float, *, after_cut: bool) -> list[int]:
        """Return the number of each face of the next frame.

        Args:
            faces: of that frame.
            time_s: of that frame. Frames of a camera can change places.
            after_cut: whether another scene began since, in which everybody is somebody new.
        """
        last_s, self._last_s = self._last_s, time_s
        self._tracks = [
            track
            for track in self._tracks
            if not after_cut
            and (
                time_s - track.time_s <= self._max_gap_s
                or (self._frames_may_last and track.time_s == last_s)
            )
        ]
        costs = np.array(
            [
                [_cost(track.face, face, time_s - track.time_s) for face in faces]
                for track in self._tracks
            ]
        ).reshape(len(self._tracks), len(faces))
        matched = {
            int(column): self._tracks[row]
            for row, column in zip(*linear_sum_assignment(costs), strict=True)
            if costs[row, column] < _NEVER
        }
        numbers = []
        for i, face in enumerate(faces):
            track = matched.get(i)
            if track is None:
                self._count += 1
                track = _Track(self._count, face, time_s)
                self._tracks.append(track)
            track.face, track.time_s = face, time_s
            numbers.append(track.number)
        return numbers


def _cost(before: Face, now: Face, seconds: float) -> float:
    """Return the matching cost of two faces, about 0 to 3; _NEVER if a face cannot move that far."""
    sides = [float((face.box_xyxy[2:] - face.box_xyxy[:2]).max()) for face in (before, now)]
    side = max(*sides, 1.0)
    distance = _distance(before, now) / side
    allowed = min(_MOVE + _MOVE_A_SECOND * abs(seconds), _MOST_MOVE)
    if distance > allowed or side > _MOST_GROWTH * max(min(sides), 1.0):
        return _NEVER
    return distance + 1 - float(iou(before.box_xyxy[None], now.box_xyxy)[0])


def _distance(before: Face, now: Face) -> float:
    """Return the mean distance that the landmarks moved, in pixels; else of the boxes' centres."""
    if before.landmarks is None or now.landmarks is None:
        centres = [(face.box_xyxy[:2] + face.box_xyxy[2:]) / 2 for face in (before, now)]
        return float(np.linalg.norm(centres[1] - centres[0]))
    steps = now.landmarks[:, :2] - before.landmarks[:, :2]
    return float(np.linalg.norm(steps, axis=1).mean())
