"""Photos over HTTP: the command line's answers, bad files, a busy server, and clients who leave."""

import asyncio
import json
import threading

import numpy as np
import psutil
import pytest
from starlette.requests import ClientDisconnect, Request

from fer_core.batch.photo_queue import PhotoQueue
from fer_core.errors import AnalysisError, ImageMemoryError
from fer_core.photos.decode import decode
from fer_core.records import to_record
from pages.server.api import analyze
from pages.server.api.analyze import Analyze, Parameters, analyze_content
from pages.shared import loading
from pages.shared.loading import load_analyzer
from tests.conftest import png
from tests.coroutines import run
from tests.corpus import Fate

REFUSALS = {400, 413, 415}
#: For requests that follow each other; less is noise of the allocator.
GROWTH_MB = 25


def without_time(record):
    return {key: value for key, value in record.items() if key != "seconds"}


@pytest.fixture(scope="module")
def expected(astronaut_png):
    """The command line's object for the portrait."""
    return json.loads(json.dumps(to_record(None, load_analyzer().analyze(decode(astronaut_png)))))


def test_a_photo_as_the_body_is_answered_as_by_the_command_line(client, astronaut_png, expected):
    answered = client.post("/api/analyze", content=astronaut_png)
    assert answered.status_code == 200
    assert answered.headers["Content-Type"] == "application/json"
    assert without_time(answered.json()) == without_time(expected)


def test_no_visit_to_a_page_is_asked_for_networks(client, astronaut_png, monkeypatch):
    monkeypatch.setattr(loading, "chosen_networks", lambda: pytest.fail("This is the page's."))
    assert client.post("/api/analyze", content=astronaut_png).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"headers": {"Content-Type": "image/png"}},
        {"headers": {"Content-Type": "text/html"}},
    ],
)
def test_the_content_decides_and_not_the_type(client, astronaut_png, expected, sent):
    answered = client.post("/api/analyze", content=astronaut_png, **sent)
    assert without_time(answered.json()) == without_time(expected)


def test_a_photo_in_a_form_is_answered_alike(client, astronaut_png, expected):
    answered = client.post("/api/analyze", files={"file": ("x.png", astronaut_png, "image/png")})
    assert without_time(answered.json()) == without_time(expected)


def test_landmarks_are_added_where_they_are_asked_for(client, astronaut_png, expected):
    (face,) = client.post("/api/analyze?landmarks=1", content=astronaut_png).json()["faces"]
    points = face.pop("landmarks")
    assert face == expected["faces"][0]
    assert {len(point) for point in points} == {3}
    assert len(points) == 478
    left, top, right, bottom = face["box_xyxy"]
    inside = [left - 1 <= x <= right + 1 and top - 1 <= y <= bottom + 1 for x, y, _ in points]
    assert all(inside)
    assert client.post("/api/analyze?landmarks=0", content=astronaut_png).json()["faces"] == [face]


def test_measures_are_added_where_they_are_asked_for(client, astronaut_png, expected):
    (face,) = client.post("/api/analyze?columns=full", content=astronaut_png).json()["faces"]
    measures = face.pop("measures")
    assert face == expected["faces"][0]
    assert measures["AU12"] > 0.5
    assert {"gaze_yaw_degrees", "mouth_opening", "jawOpen", "x_67"} < set(measures)
    again = client.post("/api/analyze?columns=basic", content=astronaut_png).json()
    assert again["faces"] == [face]


def test_a_face_without_landmarks_has_none(client, portrait, no_landmarks):
    query = "landmarks=1&columns=full"
    (face,) = client.post(f"/api/analyze?{query}", content=portrait).json()["faces"]
    assert face["landmarks"] is None
    assert face["measures"] is None
    assert face["landmarks_found"] is False


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("networks=landmarks_only", ["landmarks_only"]),
        ("networks=dual,cnn", ["dual", "cnn"]),
        ("networks=dual,%20cnn%20,,dual", ["dual", "cnn"]),
        ("networks=dual&networks=cnn", ["dual", "cnn"]),
        # The name that cnn_photos had before.
        ("networks=cnn_wild", ["cnn_wild"]),
    ],
)
def test_named_networks_answer(client, portrait, query, names):
    (face,) = client.post(f"/api/analyze?{query}", content=portrait).json()["faces"]
    assert list(face["predictions"]) == names


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("networks=nobody", "No network is called 'nobody'. There are: cnn, "),
        ("networks=cnn,../cnn", "No network is called '../cnn'"),
        ("networks=keypoints", "No network is called 'keypoints'"),
        ("networks=", "networks is empty"),
        ("networks=,", "networks is empty"),
        ("landmarks=yes", "landmarks must be 1 or 0"),
        ("columns=all", "columns must be basic or full"),
        (
            "network=cnn",
            "There is no parameter 'network'. There are: networks, landmarks, columns.",
        ),
        ("networks=" + "x" * 5000, "No network is called 'xxx"),
    ],
)
def test_wrong_questions_are_told(client, portrait, query, words):
    answered = client.post(f"/api/analyze?{query}", content=portrait)
    assert answered.status_code == 400
    assert words in answered.json()["error"]
    assert len(answered.text) < 500


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("whole_face.heic", 200),
        ("cut_face_0_quarters.jpg", 400),
        ("cut_face_3_quarters.png", 400),
        ("no_image_zip.jpg", 415),
        ("no_image_svg.png", 415),
        ("no_image_html.png", 415),
        ("bomb_7300.png", 413),
        ("scans_200.jpg", 413),
        ("parts_one_comment.gif", 413),
        ("shape_70000x1.png", 413),
    ],
)
def test_each_kind_of_bad_file_has_its_status(client, corpus, name, status):
    (specimen,) = (s for s in corpus if s.name == name)
    answered = client.post("/api/analyze", content=specimen.content)
    assert answered.status_code == status
    if status != 200:
        assert list(answered.json()) == ["error"]


@pytest.mark.slow
@pytest.mark.release
def test_no_file_of_the_corpus_makes_it_fail(client, corpus):
    allowed = {Fate.PHOTO: {200}, Fate.REFUSED: REFUSALS, Fate.EITHER: {200} | REFUSALS}
    for specimen in corpus:
        status = client.post("/api/analyze", content=specimen.content).status_code
        assert status in allowed[specimen.fate], specimen.name


def test_a_file_above_the_limit_is_refused(client_of, portrait):
    client = client_of(most_bytes=len(portrait) - 1)
    assert client.post("/api/analyze", content=portrait).status_code == 413
    assert client_of(most_bytes=len(portrait)).post("/api/analyze", content=portrait).is_success


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (AnalysisError("It failed."), 503),
        (ImageMemoryError("No memory."), 503),
        (MemoryError(), 503),
    ],
)
def test_what_passes_is_told_with_when_to_ask_again(client, portrait, monkeypatch, raised, status):
    def fail(_content):
        raise raised

    monkeypatch.setattr(analyze, "decode", fail)
    answered = client.post("/api/analyze", content=portrait)
    assert answered.status_code == status
    assert int(answered.headers["Retry-After"]) > 0
    assert answered.json()["error"].endswith(".")


def test_no_network_at_all_is_told(client_of, portrait, tmp_path):
    client = client_of(FER_MODELS=str(tmp_path))
    answered = client.post("/api/analyze", content=portrait)
    assert answered.status_code == 503
    assert "No network is called" in answered.json()["error"]


def test_a_full_queue_turns_photos_away(client, portrait, monkeypatch):
    monkeypatch.setattr(analyze, "photo_queue", lambda: PhotoQueue(places=1, longest=0))
    answered = client.post("/api/analyze", content=portrait)
    assert answered.status_code == 429
    assert int(answered.headers["Retry-After"]) > 0


@pytest.fixture
def taken_queue(monkeypatch: pytest.MonkeyPatch):
    """A queue whose only place is taken."""
    queue = PhotoQueue(places=1, longest=10)
    monkeypatch.setattr(analyze, "photo_queue", lambda: queue)
    with queue.place(lambda _: None):
        yield queue


def test_a_turn_that_does_not_come_is_told(client, portrait, monkeypatch, taken_queue):
    monkeypatch.setattr(analyze, "WAIT_SECONDS", 0.1)
    answered = client.post("/api/analyze", content=portrait)
    assert answered.status_code == 503
    assert "0.1 seconds" in answered.json()["error"]
    assert int(answered.headers["Retry-After"]) > 0
    assert not taken_queue._waiting


def test_who_leaves_gives_the_place_in_the_queue_up(portrait, taken_queue):
    async def leave() -> None:
        left = asyncio.Event()
        coming = [{"type": "http.request", "body": portrait, "more_body": False}]

        async def receive():
            if coming:
                return coming.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        scope = {"type": "http", "method": "POST", "headers": [], "query_string": b""}
        asked = asyncio.create_task(Analyze(most_bytes=10**6).answer(Request(scope, receive)))
        while not taken_queue._waiting:
            await asyncio.sleep(0.01)
        left.set()
        with pytest.raises(ClientDisconnect):
            await asyncio.wait_for(asked, 5)

    run(leave())
    assert not taken_queue._waiting


def test_several_at_once_get_their_own_answers(client, portrait, no_face_png):
    answers: dict[int, int] = {}

    def ask(number: int) -> None:
        photo = portrait if number % 2 else no_face_png
        answers[number] = len(client.post("/api/analyze", content=photo).json()["faces"])

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert answers == {number: number % 2 for number in range(6)}


def growth_mb(client, photo: bytes, *, times: int) -> float:
    """Return by how many MB this process grows over requests, after some that load and warm up."""
    process = psutil.Process()

    def ask(n: int) -> None:
        for number in range(n):
            sent = {"files": {"file": photo}} if number % 2 else {"content": photo}
            assert client.post("/api/analyze", **sent).is_success

    ask(times // 4)
    before = process.memory_info().rss
    ask(times)
    return (process.memory_info().rss - before) / 1e6


def test_requests_leave_no_photo_in_memory(client, astronaut):
    # 5 MB of pixels. A face that is found at once, lest it be searched for in all directions.
    large = np.kron(astronaut[:320, 60:380], np.ones((4, 4, 1), np.uint8))
    assert growth_mb(client, png(large), times=8) < GROWTH_MB


@pytest.mark.slow
@pytest.mark.release
def test_a_thousand_requests_leave_nothing_in_memory(client, portrait):
    assert growth_mb(client, portrait, times=1000) < GROWTH_MB


def test_the_question_is_the_usual_one_where_nothing_is_asked(portrait):
    answered = analyze_content(portrait, Parameters(None, landmarks=False), threading.Event())
    assert list(json.loads(answered.body)["faces"][0]["predictions"]) == [
        *("cnn_photos", "dual_photos")
    ]
