"""A video on a page, without a browser."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from fer_core.video import reading
from pages.parts.batch import video_results, videos
from pages.parts.batch.jobs import VideoJob
from pages.shared.loading import load_analyzer
from tests.clips import clip, moving

PAGE = """
import sys
from pathlib import Path
from pages.parts.batch.videos import show_video
work = show_video("key", {name!r}, Path({path!r}).read_bytes())
if work is not None:
    work()
"""


def page_of(path: Path, name: str = "film.mp4") -> AppTest:
    return AppTest.from_string(PAGE.format(path=str(path), name=name), default_timeout=60).run()


@pytest.fixture(scope="module")
def film(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of one face, 10 frames a second."""
    portrait = cv2.resize(astronaut[:384], (320, 240), interpolation=cv2.INTER_AREA)
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    path.write_bytes(clip(moving(portrait, 5), rate=10))
    return path


def button(page: AppTest, label: str):
    return next(button for button in page.button if button.label == label)


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button} | {
        element.proto.label for element in page.get("download_button")
    }


def test_from_the_choice_to_the_annotated_video(film):
    page = page_of(film)
    assert not page.exception
    assert page.button_group[0].options == ["1", "2", "5", "10"]
    button(page, "Analyze the video").click().run()
    assert not page.exception
    assert not page.error
    assert "5 frames, 1 person, no lasting changes" in page.caption[0].value
    assert page.get("plotly_chart")
    downloads = {"CSV", "Changes (CSV)", "Summary (CSV)", "JSON"}
    assert {*downloads, "Make the annotated video"} <= labels(page)
    summary = page.dataframe[0].value
    assert summary["Person"].tolist() == [1, 1]
    assert summary["Frames"].tolist() == [5, 5]
    assert summary["Seconds"].tolist() == pytest.approx([0.5, 0.5])
    assert (summary["Confident"] + summary["Probable"] + summary["Unclear"]).tolist() == [1, 1]
    page.select_slider[0].set_value(4).run()
    assert any("Frame 4 of 5, 0.30 s: 1 face" in str(i.proto) for i in page.get("image"))
    button(page, "Make the annotated video").click().run()
    assert not page.exception
    assert "Annotated MP4" in labels(page)
    assert page.get("video")
    button(page, "Analyze again").click().run()
    assert "Analyze the video" in labels(page)
    button(page, "Back to the results").click().run()
    assert page.get("video"), "the annotated video is lost"


def begun(page: AppTest, frames: int = 2) -> VideoJob:
    """Return the page's job after some frames, as if its visitor had gone elsewhere then."""
    job: VideoJob = page.session_state["videos"]["key"]
    job.start(10.0, smooth=True)
    steps = job.steps(load_analyzer())
    job.frames = [next(steps).without_photo() for _ in range(frames)]
    return job


def test_cancel_keeps_what_was_found_until_then(film):
    page = page_of(film)
    begun(page).stop()
    page.run()
    assert "Stopped at 0.1 of 0.5 s." in page.warning[0].value
    assert "2 frames" in page.caption[0].value


def test_a_click_that_comes_after_a_video_was_removed_does_nothing():
    """Streamlit may bring both clicks to one run of the page."""
    videos._start("gone", 10.0, True)
    videos._stop("gone")
    video_results._again("gone")


def test_work_goes_on_where_the_page_was_left(film):
    page = page_of(film)
    job = begun(page)
    page.run()
    assert "5 frames" in page.caption[0].value
    assert [frame.number for frame in job.result.frames] == [1, 2, 3, 4, 5]


def test_a_click_while_the_networks_load_loses_nothing(film, monkeypatch):
    """Loading reads the session, where Streamlit ends a run of the page that another click overtakes."""

    def overtaken() -> None:
        monkeypatch.undo()
        raise RerunException(RerunData())

    page = page_of(film)
    monkeypatch.setattr(videos, "load_analyzer", overtaken)
    button(page, "Analyze the video").click().run()
    assert "5 frames" in page.run().caption[0].value


def in_two_threads(work) -> None:
    """Do the same twice at once, as when a click starts a run of the page beside the one before."""
    faults: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults


def test_a_click_while_frames_are_analyzed_and_drawn_breaks_nothing(film):
    job = begun(page_of(film), frames=0)
    analyzer = load_analyzer()
    in_two_threads(lambda: list(job.analyze(analyzer, lambda words: None)))
    assert not job.error
    numbers = [1, 2, 3, 4, 5]
    assert [frame.number for frame in job.result.frames] == numbers
    assert [frame.number for frame in job.frames] == numbers
    job.start_drawing()
    in_two_threads(lambda: list(job.draw(lambda words: None)))
    assert not job.drawing_error
    with reading.VideoReader(job.annotated) as reader:
        assert len(list(reader.frames(100))) == 5


def test_a_run_of_the_page_from_before_a_restart_adds_no_frame(film):
    job = begun(page_of(film))
    before = job.analyze(load_analyzer(), lambda words: None)
    assert next(before).number == 3
    job.start(5.0, smooth=False)
    assert list(before) == []
    assert job.frames == []
    assert job.is_running


def test_a_long_way_to_the_next_frame_can_be_ended(film, monkeypatch):
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)
    job = begun(page_of(film), frames=0)
    job.start(2.0, smooth=True)
    steps = job.analyze(load_analyzer(), lambda words: None)
    found = [next(steps) for _ in range(4)]
    assert None in found
    job.stop()
    assert list(steps) == []
    assert not job.is_running


def test_a_click_ends_the_search_for_a_frame(film, monkeypatch):
    page = page_of(film)
    job = finished(page)
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)
    said = []
    monkeypatch.setattr(video_results, "_say_searching", said.append)
    page.select_slider[0].set_value(4).run()
    assert said
    assert job.result


def finished(page: AppTest) -> VideoJob:
    """Return the page's job with its results."""
    job = begun(page)
    page.run()
    assert job.result
    return job


def test_the_annotated_video_goes_on_where_the_page_was_left(film):
    page = page_of(film)
    job = finished(page)
    job.start_drawing()
    steps = job.draw(lambda words: None)
    for _ in range(2):
        next(steps)
    assert 0 < job.drawn < 1
    drawing = job._drawing
    page.run()
    assert not page.exception
    assert next(drawing, None) is None, "the same drawing was continued"
    assert "Annotated MP4" in labels(page)


def test_the_annotated_video_can_be_cancelled(film, monkeypatch):
    page = page_of(film)
    job = finished(page)
    video_results._stop_drawing("gone")
    with monkeypatch.context() as patched:
        # As if the visitor clicked while frames are drawn.
        patched.setattr(VideoJob, "draw", lambda job, say: (_ for _ in ()).throw(StopException()))
        button(page, "Make the annotated video").click().run()
    assert job.is_drawing
    button(page, "Cancel the annotated video").click().run()
    assert not job.is_drawing
    assert "Make the annotated video" in labels(page)
    assert not page.get("video")


def test_a_video_waits_for_other_work_and_says_so(film):
    script = PAGE.replace("read_bytes())", "read_bytes(), waits=True)").partition("if work")[0]
    waiting = script.format(path=str(film), name="film.mp4")
    page = AppTest.from_string(waiting, default_timeout=60).run()
    job: VideoJob = page.session_state["videos"]["key"]
    job.start(10.0, smooth=True)
    page.run()
    assert not page.exception
    (bar,) = page.get("progress")
    assert bar.proto.text == "Waits for the photos"
    assert job.is_running


def test_a_video_that_is_no_longer_readable_says_so(film):
    page = page_of(film)
    job = finished(page)
    job.content = b"no video"
    button(page, "Make the annotated video").click().run()
    assert not page.exception
    assert page.error[0].value.startswith("`film.mp4`: ")
    assert "Make the annotated video" in labels(page)
    job.content = film.read_bytes()
    button(page, "Analyze again").click().run()
    button(page, "Analyze the video").click().run()
    assert not page.error, "an error of the video before"


def test_steps_that_a_fault_ended_end_the_analysis(film):
    page = page_of(film)
    begun(page).steps(load_analyzer()).close()
    page.run()
    assert "The analysis broke off." in page.error[0].value
    assert "Analyze the video" in labels(page)


def test_a_text_called_a_video_is_explained(tmp_path):
    (tmp_path / "a.mp4").write_text("This is no video.")
    page = page_of(tmp_path / "a.mp4", name="$x$ **a**.mp4")
    assert not page.exception
    assert "`$x$ **a**.mp4`: This is not a video that can be read." in page.error[0].value


def test_a_video_without_faces_says_so(tmp_path):
    (tmp_path / "a.mp4").write_bytes(clip([np.full((120, 160, 3), 90, np.uint8)] * 3, rate=5))
    page = page_of(tmp_path / "a.mp4")
    button(page, "Analyze the video").click().run()
    assert not page.exception
    assert "No face was found" in page.info[0].value


def test_a_video_too_long_for_a_page_is_refused(film, monkeypatch):
    monkeypatch.setattr(videos, "_MAX_FRAMES", 0)
    page = page_of(film)
    assert "too long for a page" in page.error[0].value
    assert "Analyze the video" not in labels(page)
