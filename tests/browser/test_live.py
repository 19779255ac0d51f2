"""The live camera as a visitor meets it, in a browser whose camera shows a portrait that moves to and fro."""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from fer_core.expressions import COLORS, Expression
from fer_core.networks.bundles import resolve
from pages.server.live.route import told_to_wait
from tests.browser.conftest import (
    CAMERA_HW,
    Server,
    camera_showing,
    chromium_executable,
    rights,
    running_server,
    start_camera,
    y4m,
)
from tests.browser.probes import (
    ATTEMPT,
    SITECUSTOMIZE,
    Log,
    kept_log,
    wait_for,
    watch_memory,
)
from tests.fer_core.views.test_style import contrast

pytestmark = pytest.mark.browser

#: How far the face moves, in the picture's pixels, and in how many frames there and back.
SWAY, PERIOD = 160, 40
#: As the browser's own functions fail, by the name of the error.
FAILS = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("told so", "{name}"));
"""

TEXT_COLOR = "button => getComputedStyle(button).color"
#: Keeps each label that is drawn on a canvas: text, its colour, and colour and sides of the plate under it.
NOTE_LABELS = """
window.labels = [];
const { fillRect, fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillRect = function (...given) {
  this.plate = { plate: this.fillStyle, left: given[0], right: given[0] + given[2] };
  fillRect.apply(this, given);
};
CanvasRenderingContext2D.prototype.fillText = function (text, ...given) {
  window.labels.push({ text, ink: this.fillStyle, ...this.plate });
  fillText.call(this, text, ...given);
};
"""


@pytest.fixture(scope="module")
def moving(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray
) -> Iterator[Browser]:
    """Chromium whose camera shows a face that sways."""
    height, width = CAMERA_HW
    close = cv2.resize(astronaut[:260, 90:350], (height, height), interpolation=cv2.INTER_AREA)
    offsets = (width - height) // 2 + SWAY * np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD) / 2
    frames = []
    for offset in offsets.astype(int):
        frame = np.full((height, width, 3), 90, np.uint8)
        frame[:, offset : offset + height] = close
        frames.append(frame)
    video = tmp_path_factory.mktemp("moving") / "sway.y4m"
    video.write_bytes(y4m(*frames, rate=30))
    moving = browser.browser_type.launch(
        executable_path=chromium_executable(), args=[*camera_showing(video), *rights()]
    )
    yield moving
    moving.close()


@pytest.fixture
def context(moving: Browser) -> Iterator[BrowserContext]:
    context = moving.new_context(viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Log]]:
    """A server whose attempts to reach another machine are said and fail."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    variables = {"PYTHONPATH": str(folder)}
    with (
        kept_log() as (log, writing),
        running_server(tmp_path_factory, output=writing, environment=variables) as server,
    ):
        yield server, log


def connect_ms() -> int:
    """Return the limit from the click to the first answers, the time of loading the networks included."""
    # A machine with more to do than its cores can says little about speed.
    is_busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    return 30_000 if is_busy else 10_000


def message(page: Page) -> Locator:
    return page.locator(".stage .message")


def answers(page: Page) -> Locator:
    return page.locator(".network .expression")


def start(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/live")
    start_camera(page)
    expect(answers(page).last).to_contain_text("Happy", timeout=connect_ms())


def seen(numbers: list[int], *networks: str, agree: bool = False) -> dict[str, Any]:
    """Return what the server answers if it sees these faces.

    Of the last network each is sad by as many percent as its number; of the others so angry, unless they
    agree.
    """
    names = networks or ("cnn_photos", "dual_photos")

    def answer(name: str, number: int) -> dict[str, Any]:
        labels = resolve(name).spec.labels
        said = Expression.SAD if agree or name == names[-1] else Expression.ANGRY
        probabilities = [number / 100 if label is said else 0 for label in labels]
        return {"probabilities": probabilities, "words": str(said), "level": "confident"}

    faces = [
        {
            "number": number,
            "box": [100 * i, 100, 100 * i + 80, 200],
            "landmarks": [0] * 956,
            "units": [],
            "answers": {name: answer(name, number) for name in names},
        }
        for i, number in enumerate(numbers)
    ]
    return {"faces": faces, "resting": None, "milliseconds": 1}


def box_left(page: Page) -> float:
    """Return where the face is that is drawn, in the overlay's pixels."""
    return page.locator(".live").evaluate("root => root.page.overlay.boxes[0]?.left ?? -1")


def test_answers_follow_a_face_are_frozen_and_nobody_else_is_asked(
    context: BrowserContext, watched: tuple[Server, Log]
):
    server, log = watched
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(server.url)
    expect(page.get_by_role("button", name="Astronaut", exact=True)).to_be_visible()
    start(page, server)
    # A busy machine looks like a slow connection, which gets smaller pictures.
    page.locator(".live").evaluate(
        "root => Object.assign(root.page.sender, { step: 0, adapt: () => {} })"
    )
    expect(message(page)).to_have_text("")
    assert page.locator("video").evaluate("v => [v.videoWidth, v.videoHeight]") == [640, 480]
    expect(page.locator(".figures")).to_have_text(
        re.compile(r"^\d+ fps, \d+ ms from camera to prediction \(\d+ ms on the server\)$")
    )
    lefts: list[float] = []

    def has_swayed() -> bool:
        lefts.append(box_left(page))
        # At the overlay's own scale: a fifth of the sway would do for no jitter.
        return max(lefts) - min(lefts) > 20

    assert wait_for(has_swayed)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")

    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_alt_text("Frozen picture with 1 face marked")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Annotated PNG").click()
    frozen = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert (frozen.format, frozen.size) == ("PNG", (640, 480))
    # The camera goes on while the page runs again.
    sent = page.locator(".live").evaluate("root => root.page.sender.sent")
    assert wait_for(
        lambda: page.locator(".live").evaluate("root => root.page.sender.sent") > sent + 3
    )

    page.get_by_role("button", name="Open on the Photo page").click()
    expect(page.get_by_role("heading", name="See the expressions in a photo")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("Happy")
    live = [request for request in requests if "/api/live" in request]
    assert live[-1].endswith("end=1"), "the server is told that the page was left"
    assert [a for a in requests if not a.startswith((server.url, "data:", "blob:"))] == []
    assert ATTEMPT not in log.text
    assert "Traceback" not in log.text
    assert "/api/live 200" not in log.text, "a line for each frame would drown all else"

    page.get_by_role("button", name="Expand sidebar").click()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Live").click()
    expect(message(page)).to_contain_text("The camera is off.")
    expect(page.get_by_text("No face")).to_have_count(0)


def test_a_resting_face_is_subtracted_and_answers_are_recorded(
    context: BrowserContext, server: Server
):
    page = context.new_page()
    start(page, server)
    page.get_by_role("button", name="Record CSV").click()
    expect(page.get_by_role("button", name="Stop and save CSV")).to_have_class("record on")
    page.mouse.move(0, 0)
    on, off = (page.locator(f".{name}").evaluate(TEXT_COLOR) for name in ("record", "freeze"))
    assert on == off, "red text would have too little contrast"
    page.get_by_role("button", name="Calibrate to my resting face").click()
    expect(answers(page).last).to_contain_text("Neutral")
    # A busy machine may lose the face for a second, and then gives it another number.
    resting = re.compile(r"the resting face of face \d+ counts as neutral")
    expect(page.locator(".figures")).to_contain_text(resting)
    page.get_by_role("button", name="Reset calibration").click()
    expect(answers(page).last).to_contain_text("Happy")
    with page.expect_download() as download:
        page.get_by_role("button", name="Stop and save CSV").click()
    assert re.fullmatch(r"live_[-\d]+_[-\d]+\.csv", download.value.suggested_filename)
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)
    seen = [row for row in rows if row["face"] != "0"]
    assert len(seen) > len(rows) / 2
    assert all(float(row["AU12"]) > 0.5 for row in seen)
    assert {row["cnn_photos_expression"] for row in rows} >= {"happy", "neutral"}
    levels = {row["cnn_photos_level"] for row in seen}
    assert "confident" in levels <= {"confident", "probable", "unclear"}
    assert {row["calibrated"] for row in seen} == {"True", "False"}
    shares = [float(v) for k, v in seen[0].items() if k.startswith("dual_photos_p_")]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(message(page)).to_contain_text("The camera is off.")


def test_a_face_is_chosen_by_keyboard_while_there_are_several(
    context: BrowserContext, server: Server
):
    context.add_init_script(NOTE_LABELS)
    page = context.new_page()
    numbers = [5, 2, 11]
    page.route("**/api/live**", lambda route: route.fulfill(json=seen(numbers)))
    page.goto(f"{server.url}/live")
    start_camera(page)
    faces = page.get_by_role("group", name="Face whose predictions are shown")
    expect(faces.get_by_role("button")).to_have_text(["Face 2", "Face 5", "Face 11"])
    expect(faces.get_by_role("button", pressed=True)).to_have_text("Face 5")
    expect(answers(page).last).to_have_text("Sad 5%")
    page.get_by_label("Action units").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(faces.get_by_role("button", pressed=True)).to_have_text("Face 2")
    expect(answers(page).last).to_have_text("Sad 2%")
    # Drawn last, with less text than a single face has, so that no label is over another.
    page.wait_for_function("window.labels.at(-2).text.startsWith('2 ')")
    labels = page.evaluate("window.labels.slice(-6)")
    assert [label["text"] for label in labels[-2:]] == ["2  Angry", "Sad"]
    first, *_, third = sorted(labels[::2], key=lambda label: label["left"])
    second = labels[-2]
    assert first["right"] <= second["left"]
    assert second["right"] <= third["left"]
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
    # The face that is chosen keeps the focus while others come and go.
    numbers[:] = [11, 2]
    expect(faces.get_by_role("button")).to_have_text(["Face 2", "Face 11"])
    expect(faces.get_by_role("button", name="Face 2")).to_be_focused()
    numbers[:] = [11]
    expect(faces).to_be_hidden()
    expect(answers(page).last).to_have_text("Sad 11%")


def test_legend_and_labels_fit_the_networks_that_were_chosen(
    context: BrowserContext, server: Server
):
    context.add_init_script(NOTE_LABELS)
    page = context.new_page()
    page.route("**/api/live**", lambda route: route.fulfill(json=seen([1], "resnet5", "ferplus")))
    page.goto(f"{server.url}/live?networks=resnet5,ferplus")
    start_camera(page)
    expect(page.locator(".legend > span")).to_have_text(
        [label.capitalize() for label in Expression]
    )
    page.wait_for_function("window.labels.length >= 2")
    first, second = page.evaluate("window.labels.slice(0, 2)")
    assert first["text"] == "+ landmarks: Angry 1%"
    assert second["text"] == "pixels: Sad 1%"
    assert second["plate"] == COLORS[Expression.SAD].lower()
    assert contrast(second["plate"], second["ink"]) >= 4.5


def test_where_the_networks_agree_one_label_says_it(context: BrowserContext, server: Server):
    context.add_init_script(NOTE_LABELS)
    page = context.new_page()
    page.route("**/api/live**", lambda route: route.fulfill(json=seen([1], agree=True)))
    page.goto(f"{server.url}/live")
    start_camera(page)
    page.wait_for_function("window.labels.length >= 2")
    assert {label["text"] for label in page.evaluate("window.labels")} == {"Sad 1%"}


def test_no_camera_is_on_for_a_tab_that_nobody_sees(context: BrowserContext, server: Server):
    page = context.new_page()
    start(page, server)
    expect(page.locator(".spoken")).to_contain_text("Happy")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { get: () => window.isHidden });
        window.isHidden = true;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    expect(message(page)).to_contain_text("The camera is off.", timeout=connect_ms())
    page.evaluate("""() => {
        window.isHidden = false;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    expect(answers(page).last).to_contain_text("Happy", timeout=connect_ms())


def test_action_units_are_shown_when_asked_for(context: BrowserContext, server: Server):
    page = context.new_page()
    start(page, server)
    strip = page.locator(".actions")
    expect(strip).to_be_hidden()
    page.get_by_label("Action units").check()
    expect(strip.locator("span", has_text="AU12 lip corner puller")).to_contain_text("0.9")
    page.wait_for_timeout(500)
    inked = strip.locator("canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".some((value, i) => i % 4 === 3 && value > 200)"
    )
    assert inked


def test_a_visitor_in_line_is_told_the_place_and_comes_in_by_itself(
    context: BrowserContext, server: Server
):
    page = context.new_page()
    full = json.loads(bytes(told_to_wait(3).body))
    page.route(
        "**/api/live**",
        lambda route: route.fulfill(status=429, json=full),
        times=2,
    )
    page.goto(f"{server.url}/live")
    start_camera(page)
    expect(message(page)).to_contain_text("You are number 3 in line")
    expect(answers(page).last).to_contain_text("Happy", timeout=connect_ms())
    expect(message(page)).to_have_text("")


def test_a_server_that_is_away_is_asked_again_and_one_that_forgot_the_visit_is_not(
    context: BrowserContext, server: Server
):
    page = context.new_page()
    start(page, server)
    page.route("**/api/live**", lambda route: route.abort())
    expect(message(page)).to_contain_text("The server does not respond")
    # The last prediction is no longer one of what is seen.
    expect(answers(page).last).to_have_text("\u2013")
    page.unroute("**/api/live**")
    expect(message(page)).to_have_text("", timeout=connect_ms())
    asked: list[str] = []

    def forget(route: Route) -> None:
        # Not the good-bye of a page that stops.
        if "end=" not in route.request.url:
            asked.append(route.request.url)
        route.fulfill(status=404, body=json.dumps({"error": "This visit is over."}))

    page.route("**/api/live**", forget)
    expect(message(page)).to_have_text("This visit is over.")
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
    assert len(asked) <= 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("NotAllowedError", "The camera is blocked for this page"),
        ("NotFoundError", "No camera found"),
        ("NotReadableError", "Another program is using the camera"),
    ],
)
def test_a_camera_that_is_not_to_be_had_is_explained(
    context: BrowserContext, server: Server, error: str, said: str
):
    context.add_init_script(FAILS.format(name=error))
    page = context.new_page()
    page.goto(f"{server.url}/live")
    start_camera(page)
    expect(message(page)).to_contain_text(said)
    expect(page.get_by_text(error)).to_have_count(0)
    page.get_by_role("button", name="Take a snapshot or upload a photo").click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()


def test_a_camera_that_was_denied_before_is_said_at_once(context: BrowserContext, server: Server):
    page = context.new_page()
    session = page.context.new_cdp_session(page)
    target = session.send("Target.getTargetInfo")["targetInfo"]
    session.send(
        "Browser.setPermission",
        {
            "permission": {"name": "camera"},
            "setting": "denied",
            "browserContextId": target["browserContextId"],
        },
    )
    page.goto(f"{server.url}/live")
    expect(message(page)).to_contain_text("The camera is blocked for this page")


def test_a_browser_that_gives_no_camera_is_told_of_https(context: BrowserContext, server: Server):
    """As browsers do with pages over plain HTTP from another machine."""
    context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })"
    )
    page = context.new_page()
    page.goto(f"{server.url}/live")
    expect(message(page)).to_contain_text("only over HTTPS")
    expect(page.get_by_role("button", name="Take a snapshot or upload a photo")).to_be_visible()


@pytest.mark.slow
@pytest.mark.release
def test_no_picture_of_a_camera_outlives_its_visit(
    tmp_path_factory: pytest.TempPathFactory, moving: Browser, tmp_path: Path
):
    """Nor does what MediaPipe knows of it; the numbers may wait for the garbage collector."""
    (tmp_path / "sitecustomize.py").write_text(
        watch_memory(
            "fer_core.faces.mediapipe_models.VideoLandmarker", "fer_core.live.session.LiveFrame"
        )
    )
    options = ("--server.disconnectedSessionTTL=3",)
    variables = {"PYTHONPATH": str(tmp_path)}
    with (
        kept_log() as (log, writing),
        running_server(tmp_path_factory, *options, output=writing, environment=variables) as server,
    ):
        context = moving.new_context()
        page = context.new_page()
        start(page, server)
        assert wait_for(lambda: bool(log.alive and min(log.alive[-1]) > 0))
        # To stop is enough, though the visit goes on.
        page.get_by_role("button", name="Stop").click()
        assert wait_for(lambda: log.alive[-1] == [0, 0])
        start_camera(page)
        assert wait_for(lambda: bool(log.alive and min(log.alive[-1]) > 0))
        page.get_by_role("button", name="Freeze").click()
        expect(page.get_by_alt_text("Frozen picture with 1 face marked")).to_be_visible()
        # The page is left without a word: the frames' end must tell, and the session's.
        context.close()
        gone = wait_for(lambda: log.alive[-1] == [0, 0], seconds=60)
        assert gone, log.text[-2000:]
