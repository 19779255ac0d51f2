"""`python -m fer_core analyze` on videos: a record a frame, resuming, tables, what is refused."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fer_core.__main__ import app
from fer_core.photos.decode import decode
from tests.clips import clip, moving


@pytest.fixture(scope="module")
def video(astronaut_png: bytes) -> bytes:
    """Second by second, 8 frames of a face that moves."""
    return clip(moving(decode(astronaut_png).rgb, 8), rate=8)


@pytest.fixture
def folder(tmp_path: Path, video: bytes, astronaut_png: bytes) -> Path:
    """A folder with a photo and a video, and no other place for output."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clip.mp4").write_bytes(video)
    (tmp_path / "in" / "photo.png").write_bytes(astronaut_png)
    return tmp_path / "in"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["analyze", *map(str, arguments)])


def records(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_named_video_gives_a_record_a_frame_and_an_annotated_copy(folder: Path):
    done = run(folder / "clip.mp4", "--frame-rate", "4", "--save-annotated", folder.parent / "out")
    assert done.exit_code == 0, done.output
    found = records(done.stdout)
    assert np.diff([record["time_s"] for record in found]) == pytest.approx(0.25)
    assert len(found) == 4
    assert {face["track"] for record in found for face in record["faces"]} == {1}
    assert set(found[0]["faces"][0]["predictions"]) == {"cnn_photos", "dual_photos"}
    (written,) = (folder.parent / "out").iterdir()
    assert written.name == "0001-clip.mp4"
    again = records(run(written, "--frame-rate", "30").stdout)
    assert [len(record["faces"]) for record in again] == [1, 1, 1, 1]


@pytest.mark.parametrize("option", [["--landmarks"], ["--faces", "largest"]])
def test_options_for_photos_are_refused_for_videos(folder: Path, option: list[str]):
    refused = run(folder / "clip.mp4", *option)
    assert refused.exit_code == 2
    assert (
        f"{' '.join(option)} is for photos, and {folder / 'clip.mp4'} is a video." in refused.stderr
    )


def test_a_folders_videos_and_gifs_are_looked_at_only_if_a_rate_is_given(folder: Path, video):
    assert [record["path"] for record in records(run(folder).stdout)] == [str(folder / "photo.png")]
    found = records(run(folder, "--frame-rate", "2").stdout)
    assert [Path(record["path"]).name for record in found] == ["clip.mp4", "clip.mp4", "photo.png"]
    assert "time_s" not in found[-1]


def test_several_processes_say_the_same_of_videos(folder: Path):
    def said(jobs: str) -> list[dict]:
        found = records(run(folder, "--frame-rate", "2", "--jobs", jobs).stdout)
        return [{k: v for k, v in record.items() if k != "seconds"} for record in found]

    one, two = said("1"), said("2")
    assert len(one) == 3
    assert one == two


def test_a_csv_table_of_a_video_has_times_and_persons(folder: Path):
    done = run(folder / "clip.mp4", "--frame-rate", "2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["time_s"], row["track"]) for row in rows] == [("0.0", "1"), ("0.5", "1")]
    assert rows[0]["dual_photos_smoothed_expression"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "csv", "--frame-rate", "1"), "--format jsonl"),
        (("--frame-rate", "0"), "0.01"),
    ],
)
def test_what_does_not_go_together_is_said(folder: Path, arguments, words):
    done = run(folder, *arguments)
    assert done.exit_code == 2
    assert words in done.output


def test_a_csv_table_of_videos_is_not_gone_on_with(folder: Path, tmp_path: Path):
    done = run(folder / "clip.mp4", "--output", tmp_path / "o.csv", "--resume")
    assert done.exit_code == 2
    assert "--format jsonl" in done.output


def test_what_is_no_video_and_what_is_not_there_are_records_with_an_error(tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video")
    done = run(tmp_path / "text.mp4", tmp_path / "missing.mov")
    assert done.exit_code == 1
    text, missing = records(done.stdout)
    assert "MP4" in text["error"]
    assert "no such file" in missing["error"].lower()


@pytest.mark.parametrize("kept", [1.0, 0.6, 0.3])
def test_a_video_that_was_cut_short_is_done_again(folder: Path, tmp_path: Path, kept: float):
    """Of a file of results, whose last video may be there in part, only that video is looked at again."""
    output = tmp_path / "o.jsonl"
    arguments = [folder / "photo.png", folder / "clip.mp4", "--frame-rate", "4"]
    assert run(*arguments, "--output", output).exit_code == 0
    whole = output.read_bytes()
    n_photo = whole.index(b"\n") + 1
    output.write_bytes(whole[: n_photo + int(kept * (len(whole) - n_photo))])
    assert run(*arguments, "--output", output, "--resume").exit_code == 0
    lines = records(output.read_text())
    assert lines[0] == records(whole.decode())[0]
    assert [r.get("time_s") for r in lines] == [None, 0.0, 0.25, 0.5, 0.75]
