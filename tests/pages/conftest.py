"""What the pages' tests share."""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
import pytest
from streamlit.components.v2 import manifest_scanner

from fer_core.faces.finder import FaceFinder, Found


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """For each AppTest, Streamlit asks every installed package for components; none is added meanwhile."""
    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


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
