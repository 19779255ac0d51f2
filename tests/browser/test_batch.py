"""The batch page as a visitor meets it: many files, a table that can be chosen from, a stop that stops."""

import codecs
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests.browser.conftest import Server, expect_idle, running_server
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
def batch_page(tab: Page, server: Server) -> Page:
    tab.goto(f"{server.url}/batch")
    return tab


def upload(page: Page, files: list[FilePayload]) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def filters(page: Page) -> list[str]:
    group = page.locator(".st-key-batch_outcomes").get_by_test_id("stButtonGroup")
    expect(group).to_contain_text("Not readable")
    return [text for text in group.get_by_role("button").all_inner_texts() if text]


def filter_by(page: Page, name: str) -> None:
    page.locator(".st-key-batch_outcomes").get_by_role("button", name=name).click()


def view(page: Page, name: str) -> None:
    page.locator(".st-key-batch_view").get_by_text(name, exact=True).click()


def sheet(page: Page):
    """Return the faces of the contact sheet."""
    return page.locator(".st-key-batch_sheet").get_by_role("list").get_by_role("button")


def expect_in_sight(page: Page, *locators: Locator) -> None:
    """Expect these within the window, without scrolling."""
    size = page.viewport_size
    for locator in locators:
        box = locator.bounding_box()
        assert 0 <= box["x"] <= size["width"] - box["width"], locator
        assert 0 <= box["y"] <= size["height"] - box["height"], locator


def test_twenty_photos_a_broken_one_and_one_without_a_face(
    batch_page: Page, files: list[FilePayload]
):
    upload(batch_page, files)
    counts = f"{N} faces in {N + 1} photos, 1 file not readable"
    expect(batch_page.get_by_role("heading", name=counts)).to_be_visible()
    counts = {
        label: int(n)
        for label, n in (
            re.fullmatch(r"(.+) \((\d+)\)", text).groups() for text in filters(batch_page)
        )
    }
    assert counts.pop("No face") == 1
    assert counts.pop("Not readable") == 1
    assert sum(counts.values()) == N, "a row each face"

    table = batch_page.get_by_test_id("stDataFrame")
    table.click(position={"x": 12, "y": 2.5 * ROW_HEIGHT})
    expect(batch_page.get_by_alt_text("01.jpg with 1 face marked")).to_be_visible()
    button(batch_page, "Back").click()

    expect(table).to_be_visible()
    filter_by(batch_page, "Not readable")
    expect(batch_page.get_by_text(f"1 of {N + 2} rows")).to_be_visible()
    # While the page changes, the table before is still there: a click on it chooses nothing.
    expect_idle(batch_page)
    expect(table).to_have_count(1)
    table.click(position={"x": 12, "y": 1.5 * ROW_HEIGHT})
    expect(batch_page.get_by_test_id("stAlertContentError")).to_contain_text("broken.jpg")
    button(batch_page, "Back").click()

    button(batch_page, "Make a zip of annotated photos").click()
    # The page reruns when the zip is made.
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


def test_reasons_and_downloads_are_in_sight_and_the_filter_reaches_the_charts(
    browser: Browser, server: Server, files: list[FilePayload]
):
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{server.url}/batch")
    upload(page, [*files[:3], *files[-2:]])
    # Under the last table, not under the one that grows.
    expect(page.get_by_text("Select a row to open its photo.")).to_be_visible()
    expect_idle(page)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect_in_sight(page, *(button(page, n) for n in ("CSV", "JSON", "Contact sheet (JPEG)")))
    widths = "(table => [table.scrollWidth, table.clientWidth])"
    wide, seen = page.evaluate(f"{widths}(document.querySelector('.dvn-scroller'))")
    assert wide <= seen, "the last column, with the reasons, is in sight"

    view(page, "Charts")
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    expect(page.get_by_text("3 faces in 4 photos, 1 file not readable.")).to_be_visible()
    filter_by(page, "No face")
    expect(page.get_by_text("No face to count.")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(0)
    filter_by(page, "Confident")
    expect(page.get_by_text(re.compile(r"faces? in [234] photos\."))).to_be_visible()
    context.close()


def test_a_click_on_a_face_of_the_contact_sheet_opens_its_photo(
    batch_page: Page, files: list[FilePayload]
):
    upload(batch_page, files)
    expect(batch_page.get_by_test_id("stDataFrame")).to_be_visible()
    view(batch_page, "Contact sheet")
    expect(sheet(batch_page)).to_have_count(N)
    expect(batch_page.get_by_alt_text("Face 1 of 19.jpg")).to_be_visible()
    sheet(batch_page).last.click()
    photo = batch_page.get_by_alt_text("19.jpg with 1 face marked")
    expect(photo).to_be_visible()
    batch_page.wait_for_timeout(500)
    expect_in_sight(batch_page, button(batch_page, "Back"))
    # The label also shows the key that does the same.
    batch_page.get_by_role("button", name=re.compile("^Previous")).click()
    expect(batch_page.get_by_alt_text("18.jpg with 1 face marked")).to_be_visible()
    for key, name in (("ArrowRight", "19.jpg"), ("ArrowLeft", "18.jpg")):
        batch_page.keyboard.press(key)
        expect(batch_page.get_by_alt_text(f"{name} with 1 face marked")).to_be_visible()

    # By the keyboard: back at the face that was shown, on to the one before it.
    button(batch_page, "Back").press("Enter")
    expect(sheet(batch_page).nth(18)).to_be_focused()
    batch_page.keyboard.press("ArrowLeft")
    expect(sheet(batch_page).nth(17)).to_be_focused()
    batch_page.keyboard.press("Enter")
    expect(batch_page.get_by_alt_text("17.jpg with 1 face marked")).to_be_visible()


def test_cancel_stops_and_resume_ends_it(batch_page: Page, files: list[FilePayload]):
    upload(batch_page, [many(files)])
    progress = batch_page.get_by_test_id("stProgress")
    expect(progress).to_contain_text(re.compile(r"[1-9]\d* of 200, .* per second, .* left"))
    button(batch_page, "Cancel").click()
    stopped = batch_page.get_by_text(re.compile(r"Stopped after \d+ of 200 photos\."))
    expect(stopped).to_be_visible()
    expect(batch_page.get_by_test_id("stStatusWidget")).to_have_count(0)
    n = int(re.search(r"after (\d+)", stopped.inner_text())[1])
    assert 0 < n < 200
    expect(progress).to_have_count(0)
    button(batch_page, "Resume").click()
    expect(progress).to_contain_text(" of 200")
    button(batch_page, "Cancel").click()
    expect(stopped).to_be_visible()
    # What stood there before the second run is seen until the page is done.
    expect(batch_page.get_by_test_id("stStatusWidget")).to_have_count(0)
    assert int(re.search(r"after (\d+)", stopped.inner_text())[1]) >= n
    button(batch_page, "Remove all").click()
    button(batch_page, "Remove photos, videos and results").click()
    expect(batch_page.get_by_test_id("stDataFrame")).to_have_count(0)


def test_a_phone_scrolls_never_sideways(browser: Browser, server: Server, files: list[FilePayload]):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/batch")
    upload(page, files[:2])
    expect(page.get_by_role("heading", name="2 faces in 2 photos")).to_be_visible()
    for name, shown in (
        ("Table", page.get_by_test_id("stDataFrame")),
        ("Contact sheet", sheet(page).first),
        ("Charts", page.get_by_test_id("stPlotlyChart").first),
    ):
        view(page, name)
        expect(shown).to_be_visible()
        for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
            assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), (name, place)
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
