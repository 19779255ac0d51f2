"""The Python API: what it takes, what it gives, and that it is quiet and light."""

import dataclasses
import gc
import io
import json
import re
import subprocess
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import fer_core
from fer_core import api
from fer_core.__main__ import app
from fer_core.errors import (
    AnalysisError,
    BundleError,
    FerError,
    ImageDecodeError,
    InputError,
    NotAnImageError,
    VideoDecodeError,
)
from fer_core.networks.bundles import resolve
from tests.clips import clip, moving
from tests.conftest import PROJECT

PAIR = ["cnn_photos", "dual_photos"]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def photo_path(tmp_path_factory, astronaut_png) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    path.write_bytes(astronaut_png)
    return path


@pytest.fixture(scope="module")
def analysis(photo_path) -> fer_core.Analysis:
    return fer_core.analyze(photo_path)


def probabilities(analysis: fer_core.Analysis) -> dict:
    (face,) = analysis.to_dict()["faces"]
    return {name: said["probabilities"] for name, said in face["predictions"].items()}


def test_a_smiling_face_is_happy_to_both_networks_of_the_default_pair(analysis):
    (face,) = analysis.faces
    said = {name: str(prediction.expression) for name, prediction in face.predictions.items()}
    assert said == {"cnn_photos": "happy", "dual_photos": "happy"}


def test_weights_that_stand_in_for_the_hubs_are_told_and_not_kept(photo_path, monkeypatch):
    found = resolve("cnn_photos")
    stand_in = dataclasses.replace(found, missed="The Hub cannot be reached.")
    monkeypatch.setattr(api, "_classifiers", {})
    monkeypatch.setattr(api, "resolve", lambda _: stand_in)
    with pytest.warns(UserWarning, match=r"folder .*cnn_photos. The Hub cannot be reached."):
        fer_core.analyze(photo_path, "cnn_photos")
    monkeypatch.setattr(api, "resolve", lambda _: found)
    with warnings.catch_warnings(action="error"):
        fer_core.analyze(photo_path, "cnn_photos")
    monkeypatch.setattr(api, "resolve", lambda _: pytest.fail("it is kept"))
    fer_core.analyze(photo_path, "cnn_photos")


@pytest.mark.parametrize(
    "form",
    [
        str,
        lambda path: path.read_bytes(),
        lambda path: memoryview(path.read_bytes()),
        lambda path: np.asarray(Image.open(path)),
        lambda path: np.asarray(Image.open(path))[..., ::-1][..., ::-1],
        Image.open,
    ],
    ids=["str", "bytes", "memoryview", "array", "array not contiguous", "pillow"],
)
def test_every_form_of_an_image_gives_the_same_answer(analysis, photo_path, form):
    assert probabilities(fer_core.analyze(form(photo_path))) == probabilities(analysis)


def test_a_pillow_image_is_turned_upright_as_its_file_is(tmp_path, astronaut):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(astronaut).copy()).save(path, exif=exif, quality=95)
    with Image.open(path) as image:
        turned = fer_core.analyze(image, "cnn_photos")
    assert turned.to_dict()["faces"] == fer_core.analyze(path, "cnn_photos").to_dict()["faces"]
    assert len(turned.faces) == 1


def test_to_dict_is_what_the_command_line_prints(analysis, photo_path):
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "analyze", str(photo_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    printed, ours = json.loads(done.stdout), analysis.to_dict()
    assert printed.pop("seconds") > 0
    assert ours.pop("seconds") > 0
    assert ours == printed
    assert json.loads(json.dumps(ours)) == ours


def test_a_table_has_a_row_a_face_and_the_same_columns_without_one(analysis, no_face_png):
    table = analysis.to_dataframe()
    assert table.loc[0, ["face", "cnn_photos_expression"]].tolist() == [1, "happy"]
    assert table.loc[0, "left"] == analysis.to_dict()["faces"][0]["box_xyxy"][0]
    none = fer_core.analyze(no_face_png).to_dataframe()
    assert len(none) == 0
    assert list(none.columns) == list(table.columns)


def test_full_columns_have_the_measures(analysis):
    table = analysis.to_dataframe(columns="full")
    (face,) = analysis.to_dict(columns="full")["faces"]
    assert table.loc[0, "AU12"] == face["measures"]["AU12"] > 0.5
    assert "AU12" not in analysis.to_dataframe().columns
    with pytest.raises(InputError, match="columns must be 'basic' or 'full', got 'all'"):
        analysis.to_dict(columns="all")


def test_a_face_has_in_python_what_it_has_in_json(analysis):
    (face,) = analysis.faces
    (told,) = analysis.to_dict(columns="full", landmarks=True)["faces"]
    assert told["box_xyxy"] == pytest.approx(face.box_xyxy, abs=0.051)
    assert told["detector_confidence"] == pytest.approx(face.detector_confidence, abs=1e-4)
    pose = dataclasses.asdict(face.head_pose_degrees)
    assert told["head_pose_degrees"] == pytest.approx(pose, abs=0.051)
    np.testing.assert_allclose(told["landmarks"], face.landmarks, atol=0.051)
    assert told["measures"] == face.measures
    assert "landmarks" not in analysis.to_dict()["faces"][0]


def test_a_face_without_landmarks_has_none_and_no_measures(analysis):
    bare = dataclasses.replace(
        analysis.faces[0], face=dataclasses.replace(analysis.faces[0].face, mesh=None)
    )
    assert (bare.landmarks, bare.measures, bare.head_pose_degrees) == (None, None, None)


@pytest.mark.parametrize("networks", [None, "cnn", "dual,cnn"])
def test_the_main_prediction_needs_no_networks_name(photo_path, networks):
    analysis = fer_core.analyze(photo_path, networks)
    (face,), (told,) = analysis.faces, analysis.to_dict()["faces"]
    said = told["predictions"][told["main_network"]]
    assert told["main_network"] == list(analysis.labels)[-1]
    assert (said["expression"], said["level"]) == (face.main.expression, face.main.level)
    assert said["probabilities"] == pytest.approx(face.main.by_expression, abs=1e-6)
    assert face.main.by_expression["happy"] == face.main.confidence


def test_the_largest_face_has_the_largest_box(astronaut, no_face_png):
    face = Image.fromarray(astronaut[:256, 100:356])
    canvas = Image.new("RGB", (700, 512))
    canvas.paste(face, (0, 0))
    canvas.paste(face.resize((400, 400)), (280, 0))
    analysis = fer_core.analyze(canvas, "cnn")
    assert len(analysis.faces) == 2
    assert analysis.largest is analysis.faces[1]
    assert analysis.with_largest_alone().faces == (analysis.largest,)
    none = fer_core.analyze(no_face_png, "cnn")
    assert none.largest is None
    assert none.with_largest_alone().faces == ()


def test_the_annotated_photo_differs_from_the_photo_at_the_boxs_edge_alone(analysis, astronaut):
    drawn = np.asarray(analysis.annotated())
    assert drawn.shape == astronaut.shape
    left, top, right, bottom = analysis.faces[0].face.box_xyxy.round().astype(int)
    assert (drawn[top : bottom + 1, left] != astronaut[top : bottom + 1, left]).any(axis=-1).all()
    assert np.array_equal(drawn[bottom + 10 :], astronaut[bottom + 10 :])
    middle = (slice(top + 10, bottom - 10), slice(left + 10, right - 10))
    assert np.array_equal(drawn[middle], astronaut[middle])
    dotted = np.asarray(analysis.annotated(network="cnn_photos", landmarks=True))
    assert not np.array_equal(dotted[middle], astronaut[middle])


def test_a_network_that_was_not_asked_cannot_label_boxes(analysis):
    with pytest.raises(InputError, match=r"no prediction of 'cnn' .* cnn_photos, dual_photos\."):
        analysis.annotated(network="cnn")


def test_an_array_that_is_used_again_does_not_change_what_was_made_of_it(astronaut):
    frame = astronaut.copy()
    analysis = fer_core.analyze(frame, "cnn_photos")
    before = np.asarray(analysis.annotated())
    frame[:] = 0
    assert np.array_equal(np.asarray(analysis.annotated()), before)


def test_a_repr_has_a_line_a_face(analysis, photo_path, no_face_png):
    title, face = repr(analysis).splitlines()
    assert title == f"Analysis of {photo_path}, 512 x 512 pixels: 1 face"
    assert re.fullmatch(
        r"  1\. Face at \(\d+, \d+, \d+, \d+\): cnn_photos happy >?\d+%, dual_photos happy >?\d+%",
        face,
    )
    assert repr(fer_core.analyze(no_face_png)).endswith("an image, 600 x 400 pixels: no face")


def test_networks_are_named_as_a_list_or_with_commas_or_by_the_variable(photo_path, monkeypatch):
    asked = [fer_core.analyze(photo_path, networks) for networks in (["cnn", "dual"], "cnn, dual")]
    monkeypatch.setenv("FER_NETWORKS", "cnn,dual")
    asked.append(fer_core.analyze(photo_path))
    assert [list(analysis.labels) for analysis in asked] == [["cnn", "dual"]] * 3


def test_an_unknown_network_is_named_with_the_nearest(photo_path):
    with pytest.raises(BundleError, match=r"'cnn_foto' under .*Did you mean cnn_photos"):
        fer_core.analyze(photo_path, ["cnn_foto"])
    with pytest.raises(BundleError, match="There are: cnn, cnn_photos, "):
        fer_core.analyze(photo_path, ["xyz"])
    with pytest.raises(BundleError, match="'keypoints' predicts no expressions"):
        fer_core.analyze(photo_path, ["keypoints"])


@pytest.mark.parametrize("networks", [[], "", ","])
def test_no_network_is_refused(photo_path, networks):
    with pytest.raises(InputError, match="at least one network"):
        fer_core.analyze(photo_path, networks)


@pytest.mark.parametrize("networks", [5, Path("cnn"), [None], b"cnn"])
def test_what_is_no_name_of_a_network_is_refused(photo_path, networks):
    with pytest.raises(InputError, match="networks must be names"):
        fer_core.analyze(photo_path, networks)


@pytest.mark.parametrize(
    ("image", "error", "said"),
    [
        ("missing.jpg", ImageDecodeError, r"^missing\.jpg: There is no such file"),
        ("x" * 300, ImageDecodeError, "^x+: The file cannot be read .*too long"),
        ("a\0.jpg", ImageDecodeError, "The file cannot be read .*null"),
        (PROJECT, InputError, "is a folder"),
        ("", InputError, "path of the photo is empty"),
        (PROJECT / "README.md", NotAnImageError, r"README\.md: This is not an image"),
        (b"", ImageDecodeError, "empty"),
        (b"no image", NotAnImageError, "not an image"),
        (np.zeros((9, 9), np.uint8), InputError, r"uint8 \(9, 9\)\. Repeat grey"),
        (np.zeros((9, 9, 4), np.uint8), InputError, "transparency"),
        (np.zeros((2, 9, 9, 3), np.uint8), InputError, "one image at a time"),
        (np.zeros((9, 9, 3)), InputError, r"float64 \(9, 9, 3\)\. Scale its values"),
        (np.zeros((0, 9, 3), np.uint8), InputError, "no pixels"),
        ([1, 2], InputError, "not list"),
        (None, InputError, "not NoneType"),
    ],
)
def test_what_is_no_image_is_refused_in_words(image, error, said):
    assert issubclass(error, FerError)
    with pytest.raises(error, match=said):
        fer_core.analyze(image)


def test_an_image_too_small_for_a_face_has_none():
    assert fer_core.analyze(np.zeros((3, 2, 3), np.uint8), "cnn_photos").faces == ()


def test_an_analyzer_is_shared_by_threads_and_refuses_once_it_is_closed(astronaut, no_face_png):
    with fer_core.open_analyzer("cnn_photos") as analyzer, ThreadPoolExecutor(4) as pool:
        images = [astronaut, no_face_png] * 6
        found = list(pool.map(analyzer.analyze, images))
        assert [len(analysis.faces) for analysis in found] == [1, 0] * 6
        first = probabilities(found[0])
        assert all(probabilities(analysis) == first for analysis in found[::2])
    assert repr(analyzer) == "OpenAnalyzer with cnn_photos, closed"
    analyzer.close()
    with pytest.raises(InputError, match="closed"):
        analyzer.analyze(astronaut)


def test_closing_waits_for_the_calls_of_other_threads(astronaut, monkeypatch):
    analyzer = fer_core.open_analyzer("cnn_photos")
    within, go_on = threading.Event(), threading.Event()
    find = analyzer._finder.find_upright

    def held(rgb):
        within.set()
        assert go_on.wait(60)
        return find(rgb)

    monkeypatch.setattr(analyzer._finder, "find_upright", held)
    with ThreadPoolExecutor(2) as pool:
        call = pool.submit(analyzer.analyze, astronaut)
        assert within.wait(60)
        closing = pool.submit(analyzer.close)
        with pytest.raises(TimeoutError):
            closing.result(0.2)
        go_on.set()
        assert len(call.result(60).faces) == 1
        closing.result(60)


def test_closing_frees_the_networks_and_the_detector(astronaut):
    analyzer = fer_core.open_analyzer("cnn_photos")
    analyzer.analyze(astronaut)
    kept = [
        weakref.ref(analyzer._analyzer.classifiers["cnn_photos"]),
        weakref.ref(analyzer._finder._detector),
        weakref.ref(analyzer._finder._landmarker),
    ]
    analyzer.close()
    gc.collect()
    assert [reference() for reference in kept] == [None] * 3


@pytest.fixture(scope="module")
def video_path(tmp_path_factory, astronaut) -> Path:
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    path.write_bytes(clip(moving(astronaut, 8), rate=8))
    return path


def test_a_video_is_what_the_command_line_says_of_it(video_path):
    video = fer_core.analyze_video(video_path, "cnn", frame_rate=4)
    assert [frame.time_s for frame in video.frames] == pytest.approx([0, 0.25, 0.5, 0.75])
    assert (video.path, video.events, list(video.tracks)) == (str(video_path), (), [1])
    assert repr(video) == f"Analysis of {video_path}, 1.0 s: 4 frames, 1 person"
    (face,) = video.frames[0].shown.faces
    assert face.main.expression in video.labels["cnn"]

    command = ["analyze", video_path, "--networks", "cnn", "--frame-rate", "4"]
    done = CliRunner().invoke(app, [*map(str, command)])
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    told = video.to_dict()["frames"]
    assert [frame["faces"] for frame in told] == [frame["faces"] for frame in printed]
    done = CliRunner().invoke(app, [*map(str, command), "--format", "csv"])
    table = video.to_dataframe()
    expected = pd.read_csv(io.StringIO(done.stdout), converters={"quality": str})
    pd.testing.assert_frame_equal(table, expected.drop(columns="error"))
    assert table["cnn_smoothed_level"].tolist() == [
        frame["faces"][0]["smoothed"]["cnn"]["level"] for frame in told
    ]
    assert "AU12" in video.to_dataframe(columns="full").columns


def test_a_frame_without_a_face_has_a_row_in_a_videos_table(tmp_path, no_face_png):
    rgb = np.asarray(Image.open(io.BytesIO(no_face_png)).convert("RGB").resize((320, 240)))
    (tmp_path / "=coffee.mp4").write_bytes(clip([rgb] * 4, rate=4))
    with fer_core.open_analyzer("cnn") as analyzer:
        table = analyzer.analyze_video(tmp_path / "=coffee.mp4", frame_rate=2).to_dataframe()
    assert table["track"].tolist() == [0, 0]
    assert set(table["path"]) == {str(tmp_path / "=coffee.mp4")}
    with pytest.raises(InputError, match="closed"):
        analyzer.analyze_video(tmp_path / "=coffee.mp4")


@pytest.mark.parametrize(
    ("path", "options", "error", "said"),
    [
        ("missing.mp4", {}, VideoDecodeError, r"^missing\.mp4: The file cannot be read"),
        (PROJECT / "README.md", {}, VideoDecodeError, r"README\.md: This is not a video"),
        (PROJECT, {}, VideoDecodeError, "cannot be read"),
        (b"content", {}, InputError, "A video is the path of its file, not bytes"),
        ("clip.mp4", {"frame_rate": 0}, InputError, "frame_rate is in frames per second, above 0"),
        ("clip.mp4", {"frame_rate": "5"}, InputError, "above 0, not '5'"),
    ],
)
def test_what_is_no_video_is_refused_in_words(path, options, error, said):
    with pytest.raises(error, match=said):
        fer_core.analyze_video(path, "cnn", **options)


def test_importing_is_light_and_analyzing_quiet(photo_path):
    probe = (
        "import sys, fer_core\n"
        "heavy = {'numpy', 'cv2', 'PIL', 'mediapipe', 'streamlit', 'tensorflow', 'keras'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "fer_core.analyze(sys.argv[1])\n"
        "print(sorted({'streamlit', 'tensorflow', 'keras', 'pandas', 'av'} & set(sys.modules)))\n"
        "with fer_core.open_analyzer('cnn_photos') as analyzer:\n"
        "    analyzer.analyze(sys.argv[1])\n"
        "print('still heard', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, photo_path],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    assert done.stdout == "[]\n[]\n"
    assert done.stderr == "still heard\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        fer_core.analyse  # noqa: B018
    assert set(fer_core.__all__) <= set(dir(fer_core))


def test_errors_to_catch_are_names_of_the_package():
    for error in (AnalysisError, BundleError, ImageDecodeError, InputError, VideoDecodeError):
        assert getattr(fer_core, error.__name__) is error


def test_the_readmes_lines_of_python_run_as_they_stand(tmp_path, astronaut, capsys, monkeypatch):
    section = README.split("## From Python\n")[1].split("\n## ")[0]
    (lines,) = re.findall(r"```python\n(.+?)```", section, flags=re.DOTALL)
    (name,) = re.findall(r'analyze\("(.+?)"\)', lines)
    assert (PROJECT / name).is_file(), "a clone has the photo"
    (tmp_path / name).parent.mkdir(parents=True)
    Image.fromarray(astronaut).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    exec(compile(lines, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith(f"Analysis of {name}, 512 x 512 pixels: 1 face\n")
    assert printed.splitlines()[-1] == "happy"
    assert Image.open("annotated.jpg").size == (512, 512)
    assert (tmp_path / "faces.csv").read_text().startswith("path,width,height,turned_degrees,face,")
