"""Frames to /api/live: who may send them, what comes back, and what is refused."""

import gc
import io
import struct
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fer_core.batch.photo_queue import PhotoQueue
from fer_core.faces.action_units import ACTION_UNITS
from fer_core.live.session import LiveCamera
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier
from pages.server.api.guards import HANDLERS
from pages.server.live import route
from pages.server.live.route import MOST_PIXELS_A_SIDE, TOKEN_HEADER, VISITS_PER_CORE, LiveRoute
from pages.server.live.visits import camera_of, open_visit
from tests.corpus import jpeg_of_scans

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def jpeg(image_rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image_rgb).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def claiming(side: int) -> bytes:
    """Return a small JPEG whose head says that the picture is a large square."""
    content = jpeg(np.zeros((64, 64, 3), np.uint8))
    # The marker is followed by length, precision, height and width.
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", side, side) + content[at + 4 :]


@pytest.fixture(scope="module")
def frame(astronaut: np.ndarray) -> bytes:
    return jpeg(astronaut)


@pytest.fixture(scope="module")
def networks() -> dict[str, Classifier]:
    return {name: Classifier(resolve(name)) for name in ("cnn", "dual")}


@pytest.fixture
def camera(networks: dict[str, Classifier]) -> Iterator[LiveCamera]:
    camera = LiveCamera(networks)
    yield camera
    camera.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A server of one core."""
    app = Starlette(routes=[LiveRoute(cores=1).route()], exception_handlers=HANDLERS)
    with TestClient(app) as client:
        yield client


def headers(token: str) -> dict[str, str]:
    return {TOKEN_HEADER: token, "Content-Type": "image/jpeg", **OWN_PAGE}


def test_a_frame_comes_back_as_numbers(client: TestClient, camera: LiveCamera, frame: bytes):
    sent = headers(open_visit(camera))
    answer = client.post("/live?n=1", content=frame, headers=sent).raise_for_status().json()
    assert set(answer) == {"faces", "resting", "milliseconds"}
    assert answer["resting"] is None
    assert answer["milliseconds"] > 0
    (face,) = answer["faces"]
    assert face["number"] == 1
    assert len(face["landmarks"]) == 2 * 478
    left, top, right, bottom = face["box"]
    xy = np.reshape(face["landmarks"], (-1, 2))
    inside = (xy > [left - 20, top - 20]) & (xy < [right + 20, bottom + 20])
    assert inside.mean() > 0.9
    smile = [unit.code for unit in ACTION_UNITS].index("AU12")
    assert len(face["units"]) == len(ACTION_UNITS)
    assert face["units"][smile] > 0.5
    labels = camera.classifiers["dual"].bundle.spec.labels
    for said in face["answers"].values():
        assert sum(said["probabilities"]) == pytest.approx(1, abs=1e-3)
        assert labels[int(np.argmax(said["probabilities"]))] == "happy"
        assert said["abstained"] is False
    # The size of an answer decides how many get through a thin line.
    assert len(client.post("/live", content=frame, headers=sent).content) < 12_000


def test_a_page_calibrates_and_says_goodbye(
    client: TestClient, camera: LiveCamera, frame: bytes, monkeypatch: pytest.MonkeyPatch
):
    # However slow the machine is.
    monkeypatch.setattr(camera._tracker, "_max_gap_s", 600)
    sent = headers(open_visit(camera))
    queries = ("", "?resting=now", "?resting=now&face=1", "?resting=off", "")
    answers = [client.post(f"/live{query}", content=frame, headers=sent) for query in queries]
    resting = [answer.json()["resting"] for answer in answers]
    # It shows in the answer after the one that asks.
    assert resting == [None, None, 1, 1, None]
    assert camera.frame is not None
    assert client.post("/live?end=1", headers=sent).status_code == 204
    assert camera.frame is None


def test_a_frame_that_would_take_long_to_decode_is_refused(client: TestClient, camera: LiveCamera):
    sent = headers(open_visit(camera))
    answer = client.post("/live", content=jpeg_of_scans(1280, 20), headers=sent)
    assert answer.status_code == 413
    assert "goes over its pixels" in answer.json()["error"]
    assert client.post("/live", content=jpeg_of_scans(1280, 0), headers=sent).status_code == 200


def test_only_a_visits_own_page_may_send(client: TestClient, camera: LiveCamera, frame: bytes):
    token = open_visit(camera)
    assert client.post("/live", content=frame).status_code == 404
    assert client.post("/live", content=frame, headers=headers("guess")).status_code == 404
    elsewhere = headers(token) | {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/live", content=frame, headers=elsewhere).status_code == 403
    assert client.get("/live", headers=headers(token)).status_code == 405
    assert camera.frame is None


def test_a_visit_that_is_over_has_no_camera(networks: dict[str, Classifier], client: TestClient):
    camera = LiveCamera(networks)
    token = open_visit(camera)
    assert camera_of(token) is camera
    del camera
    gc.collect()
    answer = client.post("/live", content=b"", headers=headers(token))
    assert (answer.status_code, "Reload" in answer.json()["error"]) == (404, True)


def test_more_visits_than_the_cores_are_good_for_wait_in_line(
    client: TestClient, networks: dict[str, Classifier], frame: bytes
):
    cameras = [LiveCamera(networks) for _ in range(VISITS_PER_CORE + 2)]
    tokens = [open_visit(camera) for camera in cameras]
    answers = [client.post("/live", content=frame, headers=headers(token)) for token in tokens]
    assert [a.status_code for a in answers] == [200] * VISITS_PER_CORE + [429, 429]
    assert [a.json().get("place") for a in answers[-2:]] == [1, 2]
    assert answers[-1].headers["Retry-After"]
    client.post("/live?end=1", headers=headers(tokens[0]))
    answers = [client.post("/live", content=frame, headers=headers(token)) for token in tokens[-2:]]
    assert [a.status_code for a in answers] == [200, 429]
    for camera in cameras:
        camera.close()


def test_photos_that_wait_go_first(
    client: TestClient, camera: LiveCamera, frame: bytes, monkeypatch: pytest.MonkeyPatch
):
    photos = PhotoQueue(places=1, longest=2)
    monkeypatch.setattr(route, "photo_queue", lambda: photos)
    monkeypatch.setattr(route, "_SPACING_S", 60.0)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(route, "asyncio", SimpleNamespace(sleep=pause))
    sent = headers(open_visit(camera))

    def send_two() -> None:
        for _ in range(2):
            client.post("/live", content=frame, headers=sent)

    send_two()
    assert pauses == []
    waits = threading.Event()
    with photos.place(lambda _: None):
        waiting = threading.Thread(target=_wait_in, args=(photos, waits))
        waiting.start()
        assert waits.wait(10)
        send_two()
    assert pauses[0] == 0 < pauses[1] <= 60
    waiting.join(10)
    assert not photos.has_waiting


def _wait_in(photos: PhotoQueue, waits: threading.Event) -> None:
    with photos.place(lambda _: waits.set()):
        pass


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no picture", 415),
        (b"\x89PNG\r\n\x1a\n", 415),
        (jpeg(np.zeros((8, MOST_PIXELS_A_SIDE + 8, 3), np.uint8)), 413),
        (claiming(65_500), 413),
        (bytes(600_000), 413),
        (jpeg(np.zeros((64, 64, 3), np.uint8))[:160], 415),
    ],
    ids=["empty", "text", "png", "many pixels", "a bomb", "many bytes", "head alone"],
)
def test_what_is_no_frame_is_refused_with_a_sentence(
    client: TestClient, camera: LiveCamera, body: bytes, status: int
):
    answer = client.post("/live", content=body, headers=headers(open_visit(camera)))
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert camera.frame is None


def test_a_frame_that_ends_early_is_looked_at_or_refused(
    client: TestClient, camera: LiveCamera, frame: bytes
):
    """A decoder may fill the rest with grey."""
    sent = headers(open_visit(camera))
    for share in (0.05, 0.3, 0.9):
        answer = client.post("/live", content=frame[: int(share * len(frame))], headers=sent)
        assert answer.status_code in (200, 400, 415)
