"""What the pages' tests share."""

import dataclasses

import pytest

from fer_core.faces.finder import FaceFinder


@pytest.fixture
def no_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every face is found as it is, but without its landmarks."""
    find = FaceFinder.find
    monkeypatch.setattr(
        FaceFinder,
        "find",
        lambda self, rgb: [dataclasses.replace(face, mesh=None) for face in find(self, rgb)],
    )
