"""The API alone, without Streamlit's server, in this process."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from pages.server.api.app import create_api

#: Of one body; every photo of the corpus is smaller.
MOST_BYTES = 50 * 1024 * 1024


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., TestClient]:
    """Make a client of an API with these settings, mounted as the server mounts it."""

    def make(most_bytes: int = MOST_BYTES, **settings: str) -> TestClient:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        served = Starlette(routes=[Mount("/api", app=create_api(most_bytes=most_bytes))])
        return TestClient(served, base_url="http://second-look.example")

    return make


@pytest.fixture
def client(client_of: Callable[..., TestClient]) -> TestClient:
    """A client of an API with the usual settings."""
    return client_of()


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray) -> bytes:
    """A JPEG of one face, small and quick to analyze."""
    buffer = io.BytesIO()
    Image.fromarray(astronaut[:300, 60:360]).save(buffer, "JPEG")
    return buffer.getvalue()
