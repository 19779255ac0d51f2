"""The batch page as a visitor meets it: many files, a table that can be chosen from, a stop that stops."""

import codecs
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.conftest import Server, running_server
from tests.browser.probes import TELLING, kept_log, wait_for, watch_memory

pytestmark = pytest.mark.browser

N = 20
#: Of the table, in pixels: rows are drawn on a canvas.
ROW_HEIGHT = 35


def jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    return content.getvalue()


def payload(name: str, content: bytes) -> FilePayload:
    kind = "application/zip" if name.endswith(".zip") else "image/jpeg"
    return {"name": name, "mimeType": kind, "buffer": content}


@pytest.fixture(scope="module")
def files(astronaut: np.ndarray, no_face_png: bytes) -> list[FilePayload]:
    """20 cuts of the portrait in other light, a broken file, and one without a face."""
    portrait = Image.fromarray(astronaut)
    cuts = []
    for i in range(N):
        cut = portrait.crop((4 * i, 0, 330 + 6 * i, 290 + 3 * i)).resize((256, 240))
        cuts.append(
            payload(f"{i:02d}.jpg", jpeg(ImageEnhance.Brightness(cut).enhance(0.6 + i / 30)))
        )
    return [
        *cuts,
        payload("broken.jpg", cuts[0]["buffer"][:900]),
        payload("coffee.jpg", no_face_png),
    ]


def many(files: list[FilePayload], name: str = "many") -> FilePayload:
    """Return a zip of 200 photos."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for copy in range(10):
            for file in files[:N]:
                archive.writestr(f"{name}/{copy}/{file['name']}", file["buffer"])
    return payload(f"{name}.zip", content.getvalue())


@pytest.fixture
def batch_page(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{server.url}/batch")
    yield page
    context.close()


def upload(page: Page, files: list[FilePayload]) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def filters(page: Page) -> list[str]:
    group = page.get_by_test_id("stButtonGroup")
    expect(group).to_be_visible()
    return group.get_by_role("button").all_inner_texts()


def test_twenty_photos_a_broken_one_and_one_without_a_face(
    batch_page: Page, files: list[FilePayload]
):
    upload(batch_page, files)
    expect(batch_page.get_by_role("heading", name="Take away")).to_be_visible()
    counts = {
        label: int(n)
        for label, n in (
            re.fullmatch(r"(.+) \((\d+)\)", text).groups() for text in filters(batch_page)
        )
    }
    assert counts.pop("No face") == 1
    assert counts.pop("Not readable") == 1
    assert sum(counts.values()) == N, "a row each face"
    expect(batch_page.get_by_alt_text("Contact sheet 1 of 1")).to_be_visible()
    expect(batch_page.get_by_test_id("stPlotlyChart")).to_have_count(3)

    table = batch_page.get_by_test_id("stDataFrame")
    table.click(position={"x": 12, "y": 2.5 * ROW_HEIGHT})
    expect(batch_page.get_by_alt_text("01.jpg with 1 face marked")).to_be_visible()
    expect(batch_page.get_by_text("Face 1: Dual-input, web photos", exact=True)).to_be_visible()

    batch_page.get_by_test_id("stButtonGroup").get_by_role("button", name="Not readable").click()
    expect(batch_page.get_by_alt_text("01.jpg with 1 face marked")).to_have_count(0)
    # While the page changes, the table before is still there.
    expect(table).to_have_count(1)
    table.click(position={"x": 12, "y": 1.5 * ROW_HEIGHT})
    expect(batch_page.get_by_test_id("stAlertContentError")).to_contain_text("broken.jpg")

    button(batch_page, "Make a zip of annotated photos").click()
    # The page is drawn anew when the zip is made.
    expect(button(batch_page, "Annotated photos (zip)")).to_be_visible()
    contents = {}
    for label in ("CSV", "JSON", "Annotated photos (zip)"):
        with batch_page.expect_download() as download:
            button(batch_page, label).click()
        contents[label] = Path(download.value.path()).read_bytes()
    assert contents["CSV"].count(b"\n") == N + 3
    assert contents["CSV"].startswith(codecs.BOM_UTF8)
    assert contents["JSON"].count(b'"box_xyxy"') == N
    with zipfile.ZipFile(io.BytesIO(contents["Annotated photos (zip)"])) as archive:
        assert len(archive.namelist()) == N + 1


def test_cancel_stops_and_go_on_ends_it(batch_page: Page, files: list[FilePayload]):
    upload(batch_page, [many(files)])
    progress = batch_page.get_by_test_id("stProgress")
    expect(progress).to_contain_text(re.compile(r"[1-9]\d* of 200, .* a second, .* left"))
    button(batch_page, "Cancel").click()
    stopped = batch_page.get_by_text(re.compile(r"Stopped after \d+ of 200 photos\."))
    expect(stopped).to_be_visible()
    expect(batch_page.get_by_test_id("stStatusWidget")).to_have_count(0)
    n = int(re.search(r"after (\d+)", stopped.inner_text())[1])
    assert 0 < n < 200
    expect(progress).to_have_count(0)
    button(batch_page, "Go on").click()
    expect(progress).to_contain_text(" of 200")
    button(batch_page, "Cancel").click()
    expect(stopped).to_be_visible()
    assert int(re.search(r"after (\d+)", stopped.inner_text())[1]) >= n
    button(batch_page, "Remove all").click()
    expect(batch_page.get_by_test_id("stDataFrame")).to_have_count(0)


def test_a_phone_scrolls_never_sideways(browser: Browser, server: Server, files: list[FilePayload]):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/batch")
    upload(page, files[:2])
    expect(page.get_by_role("heading", name="Take away")).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()


@pytest.mark.slow
def test_work_for_a_visitor_who_left_stops_and_is_forgotten_and_the_log_names_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    browser: Browser,
    tmp_path: Path,
    files: list[FilePayload],
):
    (tmp_path / "sitecustomize.py").write_text(watch_memory("fer_core.batch.results.PhotoResult"))
    options = ("--server.disconnectedSessionTTL=3", "--logger.level=debug")
    with (
        kept_log() as (log, writing),
        running_server(
            tmp_path_factory, *options, output=writing, environment={"PYTHONPATH": str(tmp_path)}
        ) as server,
    ):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{server.url}/batch")
        upload(page, [many(files, TELLING), payload(f"{TELLING}.jpg", b"broken")])
        assert wait_for(lambda: any(alive > 2 for (alive,) in log.alive), seconds=60)
        context.close()
        # Fifteen seconds between two looks, three for coming back.
        assert wait_for(lambda: log.alive[-1] == [0], seconds=60)
        assert 2 < max(alive for (alive,) in log.alive) < 10 * N, (
            "it went on without a visitor, or was done before"
        )
        assert TELLING not in log.text
