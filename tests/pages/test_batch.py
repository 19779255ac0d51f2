"""The batch page: many files in, one table; stopped and gone on with; nothing kept but what is promised."""

import gc
import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from fer_core import records as core_records
from fer_core.analysis import Analyzer
from fer_core.batch import results as core_batch
from fer_core.errors import AnalysisError, ImageDecodeError
from fer_core.percent import percent
from fer_core.photos.decode import Photo
from fer_core.video.analysis import VideoAnalysis
from pages.parts.batch import intake, taken
from pages.parts.batch.jobs import VideoJob
from tests.clips import clip, moving, song
from tests.conftest import NAVIGATION, PROJECT, png
from tests.pages.shown import shown_texts

SECONDS = 60
REMOVE = "Remove photos, videos and results"


def open_page() -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    return app.switch_page("../batch.py").run()


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    kinds = {"zip": "application/zip"}
    given = [(name, content, kinds.get(name[-3:], "image/png")) for name, content in files]
    return page.file_uploader[0].set_value(given).run()


def zipped(**photos: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, photo in photos.items():
            archive.writestr(f"deep/{name}.png", photo)
        archive.writestr("notes.txt", "not looked at")
    return content.getvalue()


def buttons(page: AppTest) -> dict[str, object]:
    return {button.label: button for button in page.button}


@pytest.fixture(scope="module")
def small(astronaut: np.ndarray) -> bytes:
    return png(astronaut[:256, 100:356])


@pytest.fixture(scope="module")
def done(small: bytes, no_face_png: bytes) -> AppTest:
    """The page after four photos, two of them in a zip, one without a face, and a broken file."""
    return upload(
        open_page(),
        ("=a.png", small),
        ("broken.jpg", b"no image"),
        ("two.zip", zipped(x=small, y=no_face_png)),
    )


def test_an_empty_page_says_what_it_takes():
    page = open_page()
    assert not page.exception
    said = "\n".join(caption.value for caption in page.caption)
    assert "500 photos" in said
    assert "110 megapixels" in page.file_uploader[0].proto.help
    assert not page.dataframe


def test_every_face_and_every_photo_without_one_is_a_row(done: AppTest):
    assert not done.exception
    table = done.dataframe[0].value
    assert list(table["photo"]) == [
        "'=a.png",
        "broken.jpg",
        "two.zip/deep/x.png",
        "two.zip/deep/y.png",
    ]
    assert list(table["cnn_photos words"]) == ["Happy", "", "Happy", ""]
    assert list(table["dual_photos words"]) == ["Happy", "Not readable", "Happy", "No face"]
    assert "not an image" in table["notes"].iloc[1]
    assert done.subheader[0].value == "2 faces in 3 photos, 1 file not readable"


def test_files_that_cannot_be_read_are_listed_with_their_whole_reason(done: AppTest):
    (unreadable,) = done.expander
    assert unreadable.label == "1 file not readable"
    name, reason = unreadable.markdown[0].value.split(": ", 1)
    assert name == "- `broken.jpg`"
    assert reason == done.dataframe[0].value["notes"].iloc[1]


def test_confidences_near_one_are_not_rounded_to_certainty(done: AppTest):
    table = done.dataframe[0]
    shown = shown_texts(table)
    confidences = table.value["dual_photos confidence"]
    assert confidences.max() > 0.995, "the face is not one that tells the two apart"
    assert list(shown["dual_photos confidence"]) == [
        "" if np.isnan(c) else percent(c) for c in confidences
    ]


def test_content_decides_what_an_upload_is(small: bytes, astronaut: np.ndarray):
    film = clip(moving(astronaut[:240, 90:410], 3), form="avi", codec="mpeg4", rate=5)
    page = upload(
        open_page(),
        *[("no suffix", small), ("film.jpg", film), ("song.mp4", song())],
        ("photos.dat", zipped(x=small)),
    )
    assert not page.exception
    table = page.dataframe[0].value
    assert table["photo"].tolist() == ["no suffix", "song.mp4", "photos.dat/deep/x.png"]
    assert "sound file" in table["notes"].iloc[1]
    assert "Analyze the video" in buttons(page)
    said = "\n".join(caption.value for caption in page.caption)
    assert "Skipped 1 other file" in said


def test_filters_leave_rows_out(done: AppTest):
    page = done.pills[0].set_value(["not readable"]).run()
    assert list(page.dataframe[0].value["photo"]) == ["broken.jpg"]
    page = page.pills[0].set_value([]).run()
    page = page.multiselect[0].select("happy").run()
    assert len(page.dataframe[0].value) == 2
    page.multiselect[0].set_value([]).run()


def test_filters_offer_the_levels_and_reach_the_charts(done: AppTest):
    assert [option.content for option in done.pills[0].proto.options] == [
        "Confident (2)",
        "No face (1)",
        "Not readable (1)",
    ]
    page = done.button_group(key="batch_view").set_value("Charts").run()
    assert len(page.get("plotly_chart")) == 2
    assert any(
        caption.value.startswith("2 faces in 3 photos, 1 file not readable.")
        for caption in page.caption
    )
    page = page.pills[0].set_value(["confident"]).run()
    assert any(caption.value.startswith("2 faces in 2 photos.") for caption in page.caption)
    page = page.pills[0].set_value(["no face"]).run()
    assert not page.exception
    assert not page.get("plotly_chart")
    page.pills[0].set_value([]).run()
    page.button_group(key="batch_view").set_value("Table").run()


def test_a_face_opens_its_photo_and_back_keeps_the_filter(done: AppTest):
    page = done.pills[0].set_value(["confident"]).run()
    keys = page.session_state["batch"].keys
    page.session_state["batch_opened"] = f"1:{keys[0]}"
    page = page.run()
    assert not page.exception
    assert not page.dataframe
    views = [part.proto.json for part in page.get("bidi_component")]
    assert any("=a.png with 1 face marked" in view for view in views)
    page = buttons(page)["Next"].click().run()
    assert page.session_state["batch_opened"] == f"1:{keys[2]}"
    assert buttons(page)["Next"].disabled
    page = buttons(page)["Back"].click().run()
    assert len(page.dataframe[0].value) == 2
    page.pills[0].set_value([]).run()


def test_an_open_face_is_taken_to_the_compare_page(astronaut: np.ndarray):
    twice = np.concatenate([astronaut[:256, 100:356]] * 2, axis=1)
    page = upload(open_page(), ("twice.png", png(twice)))
    page.session_state["batch_opened"] = f"2:{page.session_state['batch'].keys[0]}"
    page = buttons(page.run())["Compare the networks"].click().run()
    assert not page.exception
    assert page.title[0].value == "Compare two networks"
    assert page.metric[0].label.startswith("Face 2:")


def test_each_open_photo_is_the_one_that_is_compared_also_for_the_second_time(
    monkeypatch: pytest.MonkeyPatch, small: bytes, astronaut: np.ndarray
):
    # With one network the page has little to compute.
    monkeypatch.setenv("FER_NETWORKS", "cnn")
    page = upload(open_page(), ("a.png", small), ("b.png", png(astronaut)))
    keys = dict(zip("ab", page.session_state["batch"].keys, strict=True))
    for name in "aba":
        page.session_state["batch_opened"] = f"1:{keys[name]}"
        page = buttons(page.run())["Compare the networks"].click().run()
        assert not page.exception
        (shown,) = [b for b in page.button if b.proto.help.startswith("Show `") and is_primary(b)]
        assert shown.proto.help == f"Show `{name}.png`"
        page = page.switch_page("../batch.py").run()


def is_primary(button: Button) -> bool:
    return button.proto.type == "primary"


def test_a_file_that_cannot_be_read_opens_with_its_error(done: AppTest):
    done.session_state["batch_opened"] = f"0:{done.session_state['batch'].keys[1]}"
    page = done.run()
    assert not page.exception
    assert "not an image" in page.error[0].value
    page = buttons(page)["Back"].click().run()
    assert len(page.dataframe[0].value) == 4


@pytest.mark.parametrize("face", ["2:gone", "7:{key}"])
def test_what_is_gone_is_not_open(done: AppTest, face: str):
    done.session_state["batch_opened"] = face.format(key=done.session_state["batch"].keys[0])
    page = done.run()
    assert not page.exception
    assert len(page.dataframe[0].value) == 4


def test_no_decoded_photo_is_kept(done: AppTest):
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is Photo]
    batch = done.session_state["batch"]
    assert any(result.faces for _, result in batch.in_order)
    assert max(len(crop) for _, result in batch.in_order for crop in result.crops) < 12_000


def test_photos_are_marked_into_a_zip_when_asked(done: AppTest):
    page = buttons(done)["Make a zip of annotated photos"].click().run()
    assert not page.exception
    content = page.session_state["batch"].zip
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["0001-=a.jpg".replace("=", "_"), "0003-x.jpg", "0004-y.jpg"]
    assert "Annotated photos (zip)" in [button.label for button in page.download_button]


@pytest.fixture
def visitor_leaves_after(monkeypatch: pytest.MonkeyPatch):
    """Let Streamlit end the run, as it does when a visitor leaves or clicks, after some photos."""

    def leave(photos: int) -> None:
        look, seen = core_batch.look_at, []

        def look_at(file, analyzer):
            if len(seen) == photos:
                seen.append(None)
                raise StopException
            seen.append(file)
            return look(file, analyzer)

        monkeypatch.setattr(core_batch, "look_at", look_at)

    return leave


def test_a_run_cut_short_goes_on_where_it_was(visitor_leaves_after, small: bytes):
    visitor_leaves_after(2)
    page = upload(open_page(), *((f"{i}.png", small) for i in range(4)))
    assert len(page.session_state["batch"].results) == 2
    assert list(buttons(page)) == ["Cancel"]
    first = list(page.session_state["batch"].results.values())
    page = page.run()
    assert len(page.dataframe[0].value) == 4
    assert list(page.session_state["batch"].results.values())[:2] == first


def test_cancel_keeps_what_is_done_and_can_be_taken_back(visitor_leaves_after, small: bytes):
    visitor_leaves_after(1)
    page = upload(open_page(), *((f"{i}.png", small) for i in range(3)))
    page = buttons(page)["Cancel"].click().run()
    assert len(page.dataframe[0].value) == 1
    assert any(text.value == "Stopped after 1 of 3 photos." for text in page.markdown)
    # A zip of what is there changes nothing about that, and is none of all three.
    page = buttons(page)["Make a zip of annotated photos"].click().run()
    assert any(text.value == "Stopped after 1 of 3 photos." for text in page.markdown)
    page = buttons(page)["Resume"].click().run()
    assert len(page.dataframe[0].value) == 3
    page = buttons(page)["Make a zip of annotated photos"].click().run()
    assert not page.exception
    with zipfile.ZipFile(io.BytesIO(page.session_state["batch"].zip)) as archive:
        assert len(archive.namelist()) == 3


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of networks that may be changed."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("cnn", "dual", "face_landmarker.task", "face_shape.npz"):
        source = PROJECT / "models" / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder)
    monkeypatch.setenv("FER_MODELS", str(folder))
    return folder


def calibrate(network: Path, temperature: float) -> None:
    spec = json.loads((network / "spec.json").read_text())
    (network / "spec.json").write_text(json.dumps(spec | {"temperature": temperature}))


def test_answers_are_those_of_the_networks_there_now(networks: Path, small: bytes):
    page = upload(open_page(), ("a.png", small))
    page = buttons(page)["Make a zip of annotated photos"].click().run()
    sure = page.dataframe[0].value["cnn confidence"].iloc[0]
    calibrate(networks / "cnn", 4.0)
    page = page.run()
    assert not page.exception
    assert page.dataframe[0].value["cnn confidence"].iloc[0] < 0.8 * sure
    page = buttons(page)["Make a zip of annotated photos"].click().run()
    with zipfile.ZipFile(io.BytesIO(page.session_state["batch"].zip)) as archive:
        assert len(archive.namelist()) == 1


def test_a_network_that_opens_later_answers_all_photos(
    visitor_leaves_after, networks: Path, small: bytes
):
    whole = (networks / "dual/model.tflite").read_bytes()
    (networks / "dual/model.tflite").write_bytes(whole[:100_000])
    visitor_leaves_after(1)
    page = upload(open_page(), *((f"{i}.png", small) for i in range(2)))
    (networks / "dual/model.tflite").write_bytes(whole)
    page = page.run()
    assert not page.exception
    assert list(page.dataframe[0].value["dual words"]) == ["Happy", "Happy"]


def test_photos_that_failed_are_tried_again(monkeypatch: pytest.MonkeyPatch, small: bytes):
    def fail(*_: object) -> None:
        raise AnalysisError("There was not enough memory.")

    with monkeypatch.context() as patch:
        patch.setattr(Analyzer, "analyze", fail)
        page = upload(open_page(), ("a.png", small), ("broken.png", b"no image"))
    assert list(page.dataframe[0].value["cnn_photos words"]) == ["", ""]
    page = buttons(page)["Try again (1)"].click().run()
    assert list(page.dataframe[0].value["cnn_photos words"]) == ["Happy", ""]
    assert "Try again (1)" not in buttons(page)


def test_a_photo_that_cannot_be_read_again_is_missing_in_the_zip(
    monkeypatch: pytest.MonkeyPatch, small: bytes
):
    page = upload(open_page(), ("a.png", small))

    def fail(_: bytes) -> None:
        raise ImageDecodeError("There was not enough memory.")

    monkeypatch.setattr(core_batch, "decode", fail)
    page = buttons(page)["Make a zip of annotated photos"].click().run()
    assert not page.exception
    assert not page.error
    assert page.warning[0].value.startswith("**1 photo is not in the zip.**")
    monkeypatch.undo()
    page = buttons(page)["Make the zip again"].click().run()
    assert not page.warning
    with zipfile.ZipFile(io.BytesIO(page.session_state["batch"].zip)) as archive:
        assert len(archive.namelist()) == 1


def test_remove_all_forgets(visitor_leaves_after, small: bytes):
    page = upload(open_page(), ("a.png", small))
    page = buttons(page)[REMOVE].click().run()
    assert not page.dataframe
    assert "batch" not in page.session_state


def test_remove_all_leaves_no_video_in_memory(small: bytes, astronaut: np.ndarray):
    """Streamlit keeps what widgets and fragments call for as long as the visit."""
    frames = moving(astronaut[:240, 90:410], 3)
    clips = [(f"{i}.mp4", clip(frames, rate=5)) for i in range(2)]
    page = upload(open_page(), ("a.png", small), *clips)
    page = buttons(page)["Analyze the video"].click().run()
    assert not page.exception
    assert page.select_slider
    page = buttons(page)[REMOVE].click().run()
    gc.collect()
    kinds = (VideoJob, VideoAnalysis)
    assert not [thing for thing in gc.get_objects() if type(thing) in kinds]


def test_results_stay_while_other_pages_are_looked_at(small: bytes):
    page = upload(open_page(), ("a.png", small))
    result = next(iter(page.session_state["batch"].results.values()))
    page = page.switch_page("../models.py").run().switch_page("../batch.py").run()
    assert len(page.dataframe[0].value) == 1
    assert next(iter(page.session_state["batch"].results.values())) is result


def test_results_come_back_with_the_networks_that_found_them(small: bytes):
    page = upload(open_page(), ("a.png", small))
    usual = list(page.session_state["batch"].results.values())
    page.selectbox(key="second_network").select("").run()
    (other,) = page.session_state["batch"].results.values()
    assert list(other.faces[0].predictions) == ["cnn_photos"]
    page.selectbox(key="second_network").select("dual_photos").run()
    again = list(page.session_state["batch"].results.values())
    assert len(again) == 1
    assert again[0] is usual[0]
    assert page.session_state["batch"].task is None
    # Also if nothing was analyzed meanwhile, and when a file was added.
    page.session_state["batch"].change_networks(("other",))
    page.run()
    assert next(iter(page.session_state["batch"].results.values())) is usual[0]
    page.selectbox(key="second_network").select("").run()
    page = page.switch_page("../models.py").run().switch_page("../batch.py").run()
    page = upload(page, ("b.png", small))
    page.selectbox(key="second_network").select("dual_photos").run()
    assert len(page.session_state["batch"].results) == 2
    assert next(iter(page.session_state["batch"].results.values())) is usual[0]


def test_another_batch_begins_without_the_filter_of_the_last_one(small: bytes):
    page = upload(open_page(), ("a.png", small), ("broken.png", b"no image"))
    pills = next(group for group in page.button_group if group.key == "batch_outcomes")
    pills.select("not readable").run()
    assert page.dataframe[0].value["photo"].tolist() == ["broken.png"]
    page = upload(buttons(page)[REMOVE].click().run(), ("b.png", small))
    assert page.dataframe[0].value["photo"].tolist() == ["b.png"]


def test_a_visit_that_was_lost_is_explained_until_files_come(small: bytes, monkeypatch):
    monkeypatch.setattr("pages.shared.notes.visit_was_lost", lambda: True)
    page = open_page()
    assert "connection to the server was lost" in page.info[0].value
    page = upload(page, ("a.png", small))
    assert not page.info


def test_files_added_after_another_page_join_those_that_are_there(
    small: bytes, astronaut: np.ndarray
):
    film = clip(moving(astronaut[:240, 90:410], 3), rate=5)
    page = upload(open_page(), ("two.zip", zipped(x=small)), ("film.mp4", film))
    page = page.switch_page("../models.py").run().switch_page("../batch.py").run()
    result = next(iter(page.session_state["batch"].results.values()))
    page = upload(page, ("b.png", small))
    page = upload(page, ("b.png", small), ("broken.png", b"no image"))
    assert page.dataframe[0].value["photo"].tolist() == [
        "two.zip/deep/x.png",
        "b.png",
        "broken.png",
    ]
    assert next(iter(page.session_state["batch"].results.values())) is result
    assert "Analyze the video" in buttons(page)
    # What is taken out of the widget goes, as before; what it no longer shows stays.
    page = upload(page, ("c.png", small))
    assert page.dataframe[0].value["photo"].tolist() == ["two.zip/deep/x.png", "c.png"]
    assert [c.value for c in page.caption if "Skipped" in c.value] == [
        "Skipped 1 other file, two.zip/notes.txt."
    ]
    page = upload(buttons(page)[REMOVE].click().run(), ("d.png", small))
    assert page.dataframe[0].value["photo"].tolist() == ["d.png"]
    assert "Analyze the video" not in buttons(page)


def limit_photos(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    for module in (taken, intake):
        monkeypatch.setattr(module, "MAX_PHOTOS", n)


def test_files_of_earlier_uploads_count_towards_the_limits(
    monkeypatch: pytest.MonkeyPatch, small: bytes
):
    monkeypatch.setattr(taken, "MAX_MEGABYTES", 1.5 * len(small) / 1e6)
    page = upload(open_page(), ("a.png", small))
    page = page.switch_page("../models.py").run().switch_page("../batch.py").run()
    page = upload(page, ("b.png", small), ("tiny.png", b"no image"))
    notes = page.dataframe[0].value["notes"].tolist()
    assert ["exceeds the limit" in note for note in notes] == [False, True, False]
    limit_photos(monkeypatch, 2)
    page = upload(page, ("tiny.png", b"no image"), ("more.png", b"no image"))
    assert page.warning[0].value == "1 photo beyond the limit of 2 was skipped."


def test_a_filter_by_agreement_ends_with_the_second_network(small: bytes):
    page = upload(open_page(), ("a.png", small))
    page.pills(key="batch_agreements").set_value(["agree"]).run()
    assert len(page.dataframe[0].value) == 1
    page.selectbox(key="second_network").set_value("").run()
    assert not page.exception
    assert "batch_agreements" not in [pills.key for pills in page.pills]
    assert len(page.dataframe[0].value) == 1


@pytest.mark.slow
@pytest.mark.release
def test_limits_on_photos_and_bytes_are_said(monkeypatch: pytest.MonkeyPatch, small: bytes):
    limit_photos(monkeypatch, 2)
    page = upload(open_page(), *((f"{i}.png", small) for i in range(5)))
    assert page.warning[0].value == "3 photos beyond the limit of 2 were skipped."
    assert len(page.dataframe[0].value) == 2
    monkeypatch.setattr(taken, "MAX_MEGABYTES", 1.5 * len(small) / 1e6)
    page = upload(open_page(), ("a.png", small), ("b.png", small))
    assert "exceeds the limit" in page.dataframe[0].value["notes"].iloc[1]
    page = upload(open_page(), ("a.png", small), ("b.mp4", small))
    assert "exceeds the limit" in page.dataframe[0].value["notes"].iloc[1]


def test_without_models_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path, small: bytes):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = upload(open_page(), ("a.png", small))
    assert not page.exception
    assert "No network can be loaded" in page.error[0].value
    assert str(tmp_path) not in page.error[0].value


def test_without_models_a_video_says_so_without_their_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, astronaut: np.ndarray
):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    film = clip(moving(astronaut[:240, 90:410], 3), rate=5)
    page = upload(open_page(), ("film.mp4", film))
    page = buttons(page)["Analyze the video"].click().run()
    assert page.error[0].value.startswith("`film.mp4`: ")
    assert str(tmp_path) not in page.error[0].value


def test_a_damaged_network_is_named_without_its_folder(networks: Path, small: bytes):
    (networks / "dual" / "model.tflite").unlink()
    page = upload(open_page(), ("a.png", small))
    assert page.warning[0].value.startswith(
        "One of the networks cannot be loaded. models/dual/model.tflite is missing."
    )


def test_downloads_are_what_the_command_line_prints(done: AppTest):
    batch = done.session_state["batch"]
    results = [result for _, result in batch.in_order]
    records = json.loads(core_batch.results_json(results))
    assert [record["path"] for record in records][2] == "two.zip/deep/x.png"
    assert records[0].keys() == core_records.error_record("a", "b").keys()


def test_photos_are_looked_at_anew_by_the_networks_that_are_chosen(small: bytes):
    page = upload(open_page(), ("me.png", small))
    page.selectbox(key="first_network").set_value("cnn").run()
    page.selectbox(key="second_network").set_value("landmarks_only").run()
    assert not page.exception
    table = page.dataframe[0].value
    assert {"cnn words", "landmarks_only words"} <= set(table.columns)
    assert not {"cnn_photos words", "dual_photos words"} & set(table.columns)
    assert page.query_params["networks"] == "cnn,landmarks_only"
