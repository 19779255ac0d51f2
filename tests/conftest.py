"""Inputs that several rooms' tests share: small, real, free to use."""

import io
import os
import pickle
import subprocess
from collections.abc import Iterator
from pathlib import Path

#: Where several processes share the cores, each library takes one: their threads would wait for each other.
THREADS = dict.fromkeys(
    ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"),
    "1",
)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Before any library is imported that reads them.
    os.environ.update(THREADS)

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from skimage import data

from tests.corpus import Specimen, specimens
from tests.hub_server import HubServer, running_hub

PROJECT = Path(__file__).resolve().parent.parent
#: What Streamlit runs for every page.
NAVIGATION = PROJECT / "pages" / "shared" / "navigation.py"
#: Files of tests that take longest. They begin first, so that none is alone at the end.
LONGEST = (
    "training/loop/test_fit.py",
    "browser/test_batch.py",
    "pages/test_compare.py",
    "training/experiments/test_tune.py",
    "browser/test_live.py",
    "training/campaign/test_campaign.py",
    "training/experiments/test_study.py",
    "browser/test_privacy.py",
    "training/schema/test_selection.py",
    "pages/test_batch.py",
    "training/sources/test_more_sources.py",
    "training/measure/test_faithfulness.py",
    "pages/test_evaluation.py",
    "browser/test_evaluation.py",
    "browser/test_analyze.py",
    "browser/test_video.py",
    "browser/test_compare.py",
    "pages/test_analyze.py",
    "test_no_connections.py",
    "test_fuzz.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {PROJECT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def networks_have_one_thread() -> Iterator[None]:
    """As libraries have: see `THREADS`."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setattr("fer_core.networks.classifier.available_cores", lambda: 1)
        yield


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """The NASA portrait of Eileen Collins, smiling; public domain. uint8 (512, 512, 3)."""
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="session")
def astronaut_png(astronaut: np.ndarray) -> bytes:
    return png(astronaut)


@pytest.fixture(scope="session")
def no_face_png() -> bytes:
    """A picture of coffee, in which there is no face."""
    return png(data.coffee())


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The data packs, for the tests that need them; the others pass without."""
    value = os.environ.get("FER_DATA")
    if not value or not (Path(value) / "fer2013").is_dir():
        pytest.skip("FER_DATA names no folder with FER2013 in it")
    return Path(value)


@pytest.fixture(scope="session")
def example_photos() -> Path:
    """Photos with known numbers of faces, beside the data packs."""
    value = os.environ.get("FER_DATA")
    folder = Path(value).parent / "photos" if value else Path("/nonexistent")
    if not (folder / "README.md").is_file():
        pytest.skip("there are no example photos beside FER_DATA")
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def corpus(shared_folder: Path) -> list[Specimen]:
    """All bad and odd files, which take seconds to make: one process does, the others read them."""
    kept = shared_folder / "corpus.pickle"
    with FileLock(shared_folder / "corpus.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(list(specimens())))
    found: list[Specimen] = pickle.loads(kept.read_bytes())
    return found


def tracked_files() -> list[str]:
    """Return the names of all files under version control, relative to the project."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]


def png(pixels: np.ndarray) -> bytes:
    """Return an array as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub on loopback that `huggingface_hub` takes for the one and only, and an empty cache."""
    from huggingface_hub import close_session, constants

    from fer_core.networks import hub as weights

    with running_hub() as server:
        # The library reads its variables when it is imported.
        for name, value in {
            "ENDPOINT": server.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": server.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
            "HF_HUB_ETAG_TIMEOUT": 1,
            "HF_HUB_DOWNLOAD_TIMEOUT": 1,
            "HF_TOKEN_PATH": str(tmp_path / "token"),
        }.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(weights, "_pulls", {})
        yield server
        close_session()
