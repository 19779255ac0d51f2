"""What the pages' tests share."""

import dataclasses

import numpy as np
import pytest

from fer_core.faces.finder import FaceFinder, Found


@pytest.fixture
def no_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every face is found as it is, but without its landmarks."""
    find = FaceFinder.find_upright

    def find_without(self: FaceFinder, rgb: np.ndarray) -> Found:
        bare = (
            dataclasses.replace(face, mesh=None, is_upright=False) for face in find(self, rgb).faces
        )
        return Found(tuple(bare))

    monkeypatch.setattr(FaceFinder, "find_upright", find_without)
