"""Events, and the whole from a clip to its tables."""

import csv
import io
import itertools
import json
from collections.abc import Sequence

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorTrc
from PIL import Image

from fer_core.analysis import Analyzer
from fer_core.errors import AnalysisError
from fer_core.expressions import FER2013, Expression
from fer_core.photos.decode import Photo
from fer_core.video import reading
from fer_core.video.analysis import (
    FrameAnalysis,
    VideoAnalysis,
    analysis_steps,
    analyze_video,
    stopped,
)
from fer_core.video.events import EventFinder
from fer_core.video.reading import VideoReader
from fer_core.video.records import video_records
from fer_core.video.tables import (
    events_csv,
    frame_record,
    frames_csv,
    summary_csv,
    summary_rows,
    video_record,
)
from fer_core.video.writing import AnnotatedVideo, annotated_video
from fer_core.views.timeline import MOST_PEOPLE, people_view, timeline_view
from tests.clips import clip, in_hdr, moving
from tests.predictions import prediction

HAPPY, SAD = Expression.HAPPY, Expression.SAD


def changes(shares: Sequence[dict[str, float]]) -> list[tuple[float, Expression, Expression]]:
    """Return the events in one network's predictions, ten per second."""
    finder = EventFinder(margin=0.1, hold_s=0.3)
    found = []
    for i, share in enumerate(shares):
        found += finder.add(1, i / 10, {"cnn": prediction(**share)})
    return [(event.time_s, event.before, event.after) for event in found]


def test_time_out_of_sight_does_not_count():
    for was_away, expected in ((False, 1), (True, 0)):
        finder = EventFinder(margin=0.1, hold_s=0.3)
        happy, sad = ({"cnn": prediction(**share)} for share in ({"happy": 0.9}, {"sad": 0.9}))
        for i in range(5):
            finder.add(1, i / 10, happy)
        finder.add(1, 0.9, sad)
        assert len(finder.add(1, 1.8, sad, was_away=was_away)) == expected


@pytest.mark.parametrize("first", [5, 9])
def test_the_last_digit_of_a_time_decides_nothing(first):
    """0.8 - 0.5 is a little more than 0.3, and 1.2 - 0.9 a little less."""
    assert len(changes([{"happy": 0.9}] * first + [{"sad": 0.8}] * 4)) == 1


def test_a_change_that_lasts_is_one_event_at_its_beginning():
    assert changes([{"happy": 0.9}] * 5 + [{"sad": 0.8}] * 9) == [(0.5, HAPPY, SAD)]


@pytest.mark.parametrize(
    "shares",
    [
        [{"happy": 0.9}, {"sad": 0.9}] * 10,
        [{"happy": 0.9}] * 5 + [{"sad": 0.8}] * 3 + [{"happy": 0.9}] * 5,
        [{"happy": 0.9}] * 5 + [{"sad": 0.52, "happy": 0.46}] * 9,
        [{"happy": 0.9}] * 5 + [{"sad": 0.4}] * 9,
        [{"happy": 0.9}] * 5 + [{"sad": 0.4}] * 9 + [{"happy": 0.9}] * 5,
        [{"sad": 0.3}] * 5 + [{"happy": 0.9}] * 9,
        [{"sad": 0.9}] + [{"happy": 0.9}] * 9,
    ],
    ids=["flicker", "short", "narrow", "unsure", "unsure between", "first answer", "short first"],
)
def test_what_is_no_change(shares):
    assert changes(shares) == []


# ---- whole clips -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    """The astronaut's head and shoulders, uint8 (240, 320, 3)."""
    return cv2.resize(astronaut[:384], (320, 240), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def mp4(portrait: np.ndarray) -> bytes:
    """A second of a face, a second of two, of which one leaves; 15 frames a second."""
    one = moving(portrait, 15, width=640)
    two = [np.hstack([frame[:, :320], frame[:, 319::-1]]) for frame in moving(portrait, 15)]
    return clip([np.hstack([f[:, :320], np.full_like(f[:, :320], 90)]) for f in one] + two, rate=15)


@pytest.fixture(scope="module")
def analysis(analyzer: Analyzer, mp4: bytes) -> VideoAnalysis:
    *_, last = analyze_video(mp4, analyzer, 5)
    assert isinstance(last, VideoAnalysis)
    return last


def test_frames_come_one_by_one_with_their_pictures_and_last_the_whole(analyzer, mp4):
    *frames, last = analyze_video(mp4, analyzer, 5)
    assert all(isinstance(frame, FrameAnalysis) for frame in frames)
    assert [frame.number for frame in frames] == list(range(1, 11))
    assert frames[0].photo.rgb.shape == (240, 640, 3)
    progress = [frame.progress for frame in frames]
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(0.9, abs=0.05)
    assert len(last.frames) == 10
    assert all(frame.photo is None for frame in last.frames), "no pictures are kept"


def test_everybody_is_found_and_followed(analysis):
    tracks = [frame.tracks for frame in analysis.frames]
    assert all(len(track) == 1 for track in tracks[:5])
    assert all(len(track) == 2 for track in tracks[5:])
    assert len({number for track in tracks[:5] for number in track}) == 1
    assert len({number for track in tracks[5:] for number in track}) == 2
    counts = analysis.tracks
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_in_a_slow_animation_a_person_stays_the_same(analyzer, portrait):
    """Its frames are further apart than a face may be out of sight in a film."""
    frames = [Image.fromarray(frame) for frame in moving(portrait, 3)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=2000)
    *_, last = analyze_video(file.getvalue(), analyzer)
    assert [frame.tracks for frame in last.frames] == [(1,), (1,), (1,)]
    assert last.sampled_rate == pytest.approx(0.5, abs=0.1)


def test_who_stops_asking_stops_the_work(mp4, analyzer):
    class Counting:
        looked = 0

        def analyze(self, photo: Photo, *, may_turn: bool = True):
            self.looked += 1
            return analyzer.analyze(photo)

        def analyze_again(self, photo: Photo, before):
            return self.analyze(photo)

    counting = Counting()
    frames = analyze_video(mp4, counting, 5)
    seen = [next(frames), next(frames)]
    frames.close()
    assert counting.looked == 2
    with VideoReader(mp4) as reader:
        partial = stopped(reader.info, seen, 5, 0.3)
    assert "0.2 of 2.0 s" in partial.note
    assert len(partial.frames) == 2


def test_a_cut_to_another_person_in_the_same_place_is_another_track(portrait, analyzer):
    dark = moving((portrait[:, ::-1] * 0.35).astype(np.uint8), 8)
    *_, last = analyze_video(clip([*moving(portrait, 8), *dark], rate=10), analyzer, 10)
    tracks = [frame.tracks for frame in last.frames]
    assert tracks[7] != tracks[8]
    assert not set(tracks[7]) & set(tracks[8])


def test_a_followed_face_has_the_landmarks_that_a_search_would_find(portrait, analyzer):
    first, second = (Photo(frame) for frame in moving(portrait, 2, step=8))
    before = [face.face for face in analyzer.analyze(first).faces]
    [searched], [followed] = (
        analysis.faces
        for analysis in (analyzer.analyze(second), analyzer.analyze_again(second, before))
    )
    apart = np.linalg.norm(searched.face.landmarks[:, :2] - followed.face.landmarks[:, :2], axis=1)
    assert apart.mean() < 0.02 * np.ptp(searched.face.box_xyxy[::2])
    assert followed.face.confidence == before[0].confidence


def test_a_face_that_left_is_not_followed_into_the_wall(portrait, analyzer):
    before = [face.face for face in analyzer.analyze(Photo(portrait)).faces]
    assert before
    assert analyzer.analyze_again(Photo(np.full_like(portrait, 120)), before).faces == ()


def test_records_are_those_of_photos_with_time_and_person(analysis):
    record = json.loads(json.dumps(frame_record("a.mp4", analysis.frames[-1])))
    assert record["path"] == "a.mp4"
    assert record["frame"] == 10
    assert record["time_s"] == pytest.approx(1.8, abs=0.07)
    assert record["error"] is None
    assert {"track", "box_xyxy", "predictions", "smoothed", "quality"} <= record["faces"][0].keys()
    assert sum(record["faces"][0]["smoothed"]["cnn"]["probabilities"].values()) == pytest.approx(1)
    whole = json.loads(json.dumps(video_record("a.mp4", analysis)))
    assert len(whole["frames"]) == 10
    assert whole["frames"][-1]["faces"] == record["faces"]


def test_csv_has_a_row_a_face_and_one_for_a_frame_without(analysis, analyzer, mp4):
    labels = {name: c.bundle.spec.labels for name, c in analyzer.classifiers.items()}
    records = [frame_record("=a.mp4", frame) for frame in analysis.frames]
    records[0] = records[0] | {"faces": []}
    rows = list(csv.DictReader(io.StringIO("".join(frames_csv(records, labels)))))
    assert [row["track"] != "0" for row in rows] == [False] + [True] * 14
    assert rows[0]["path"] == "'=a.mp4", "no formula in a spreadsheet"
    face = records[-1]["faces"][-1]
    assert float(rows[-1]["left"]) == face["box_xyxy"][0]
    assert (
        float(rows[-1]["cnn_smoothed_p_happy"]) == face["smoothed"]["cnn"]["probabilities"]["happy"]
    )
    assert float(rows[-1]["cnn_p_happy"]) == face["predictions"]["cnn"]["probabilities"]["happy"]
    assert "".join(frames_csv([], labels)).startswith("path,time_s,frame,track,left")


def test_the_command_lines_records_come_frame_by_frame_with_the_copy_at_the_end(
    analysis, analyzer, mp4, tmp_path
):
    target = tmp_path / "a.mp4"
    records = []
    for record in video_records("film.mp4", mp4, analyzer, rate=5, annotated=target):
        assert not target.exists(), "half a video is none"
        records.append(record)
    boxes = [[face["box_xyxy"] for face in record["faces"]] for record in records]
    assert boxes == [
        [face["box_xyxy"] for face in frame_record("", frame)["faces"]] for frame in analysis.frames
    ]
    with VideoReader(target) as reader:
        assert len(list(reader.frames(100))) == 10


def test_a_video_that_cannot_be_read_is_one_record_with_its_error(analyzer, tmp_path):
    target = tmp_path / "a.mp4"
    [record] = video_records("film.mp4", b"no video", analyzer, annotated=target)
    assert "not a video" in record["error"]
    assert not list(tmp_path.iterdir())
    labels = {name: c.bundle.spec.labels for name, c in analyzer.classifiers.items()}
    [row] = csv.DictReader(io.StringIO("".join(frames_csv([record], labels))))
    assert row["error"] == record["error"]


def test_a_video_cut_short_ends_with_a_record_that_says_so(portrait, analyzer):
    whole = clip(moving(portrait, 20), rate=10, form="matroska")
    *frames, last = video_records("film.mkv", whole[: len(whole) // 2], analyzer, rate=2)
    assert frames
    assert all(record["error"] is None for record in frames)
    assert "cut short" in last["error"]


def test_a_frame_that_fails_ends_the_records_and_leaves_the_video_so_far(
    mp4, analyzer, tmp_path, monkeypatch
):
    found = analyze_video(mp4, analyzer, 5, keep=False)

    def analyze_three(*_, **__):
        yield from itertools.islice(found, 3)
        raise AnalysisError("memory is short")

    monkeypatch.setattr("fer_core.video.records.analyze_video", analyze_three)
    target = tmp_path / "a.mp4"
    *frames, last = video_records("film.mp4", mp4, analyzer, rate=5, annotated=target)
    assert [record["error"] for record in frames] == [None] * 3
    assert last["error"] == "memory is short"
    with VideoReader(target) as reader:
        assert len(list(reader.frames(100))) == 3


@pytest.mark.parametrize("failing", ["add", "finish"])
def test_a_video_over_which_a_library_fails_ends_no_run(
    mp4, analyzer, tmp_path, monkeypatch, failing
):
    def fail(*_args, **_options):
        raise ValueError("odd")

    monkeypatch.setattr(AnnotatedVideo, failing, fail)
    target = tmp_path / "a.mp4"
    *_, last = video_records("film.mp4", mp4, analyzer, rate=2, annotated=target)
    assert last["error"] == "The analysis failed (ValueError: odd)."
    assert not target.exists()


def test_events_as_csv():
    finder = EventFinder(hold_s=0)
    finder.add(3, 0, {"cnn": prediction(happy=0.9)})
    found = finder.add(3, 1.2345, {"cnn": prediction(sad=0.9)})
    assert events_csv(found) == "time_s,track,network,from,to\n1.234,3,cnn,happy,sad\n"


def test_a_summary_has_each_person_by_each_network(analysis):
    rows = summary_rows(analysis)
    networks = list(analysis.frames[0].smoothed[0])
    assert [(row["track"], row["network"]) for row in rows] == [
        (track, network) for track in analysis.tracks for network in networks
    ]
    for row in rows:
        assert row["frames"] == analysis.tracks[row["track"]]
        assert row["seconds"] == pytest.approx(row["frames"] / analysis.rate, abs=0.15)
        assert row["confident"] + row["probable"] + row["unclear"] == pytest.approx(1, abs=1e-3)
        expressions = sum(row.get(str(label), 0) for label in Expression)
        assert expressions + row["unclear"] == pytest.approx(1, abs=1e-3)
    # The same stretches as in the view of everybody.
    view = people_view(analysis, networks[0]).data
    seconds = view.assign(seconds=view["to (s)"] - view["from (s)"]).groupby("person")["seconds"]
    for row in rows:
        if row["network"] == networks[0]:
            assert row["seconds"] == pytest.approx(seconds.sum()[row["track"]], abs=2e-3)
    table = list(csv.DictReader(io.StringIO(summary_csv(analysis))))
    assert [float(row["happy"]) for row in table] == [row["happy"] for row in rows]


def test_a_summary_counts_no_time_out_of_sight_and_unclear_for_itself():
    points = [(0.0, 0.9), (0.1, 0.9), (0.2, 0.3), (5.0, 0.9), (5.1, 0.45)]
    [row] = summary_rows(made_up(points))
    assert row["seconds"] == pytest.approx(0.5)
    expected = {"confident": 0.6, "probable": 0.2, "unclear": 0.2, "happy": 0.8, "sad": 0.0}
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    [one] = summary_rows(made_up([(0.0, 0.9)]))
    assert (one["seconds"], one["happy"]) == (pytest.approx(0.1), 1)


def test_a_summary_without_people_is_a_header():
    nobody = VideoAnalysis(made_up([(0.0, 0.9)]).info, (), 10, 0.3, None)
    assert summary_csv(nobody) == "track,network,frames,seconds,confident,probable,unclear\n"


def test_pauses_change_no_result(mp4, analyzer, analysis, monkeypatch):
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)
    steps = list(analysis_steps(mp4, analyzer, 5))
    assert None in steps
    found = [step for step in steps if isinstance(step, FrameAnalysis)]
    assert [frame.time_s for frame in found] == [frame.time_s for frame in analysis.frames]
    assert None not in list(analyze_video(mp4, analyzer, 5))
    *shares, content = annotated_video(mp4, analysis)
    assert len(shares) > len(analysis.frames)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with VideoReader(content) as reader:
        assert len(list(reader.frames(100))) == len(analysis.frames)


def test_the_annotated_video_shows_the_analysed_frames_at_their_times(analysis, mp4):
    *shares, content = annotated_video(mp4, analysis)
    assert shares[-1] == 1
    with VideoReader(content) as reader, VideoReader(mp4) as original:
        drawn, plain = list(reader.frames(100)), list(original.frames(5))
        assert reader.info.codec == "h264"
    assert len(drawn) == 10
    np.testing.assert_allclose(
        [f.time_s for f in drawn], [f.time_s for f in analysis.frames], atol=1e-3
    )
    for before, after, frame in zip(plain, drawn, analysis.frames, strict=True):
        changed = (
            np.abs(before.photo.rgb.astype(int) - after.photo.rgb.astype(int)).max(axis=2) > 60
        )
        for analysed in frame.analysis.faces:
            left, top, right, _ = analysed.face.box_xyxy.round().astype(int)
            assert changed[top, left:right].mean() > 0.5, "the upper edge of the box"


def test_odd_sizes_and_no_frame_make_a_video_too(analysis):
    with AnnotatedVideo(10) as video:
        video.add(analysis.frames[0], np.zeros((481, 641, 3), np.uint8))
        with VideoReader(video.finish()) as reader:
            assert next(reader.frames(1)).photo.rgb.shape == (480, 640, 3)
    with AnnotatedVideo(10) as video:
        assert isinstance(video.finish(), bytes)


def test_a_timeline_has_a_strip_and_lines_for_each_network(analysis):
    track = next(iter(analysis.tracks))
    view = timeline_view(analysis, track, titles={"cnn": "Pixels"})
    n = analysis.tracks[track]
    assert len(view.data) == n
    assert set(view.data["network"]) == {"Pixels"}
    lines = [trace for trace in view.figure.data if trace.type == "scatter"]
    assert {line.name.lower() for line in lines} == set(FER2013.labels)
    total = np.sum([np.asarray(line.y, float) for line in lines], axis=0)
    np.testing.assert_allclose(total, 100, atol=0.1)
    assert f"{n} frames" in view.reading


def test_a_timeline_breaks_where_the_face_was_gone_and_hatches_doubt():
    analysis = made_up([(0.0, 0.9), (0.1, 0.9), (0.2, 0.3), (5.0, 0.9), (5.1, 0.9)])
    view = timeline_view(analysis, 1)
    line = next(trace for trace in view.figure.data if trace.name == "Happy")
    assert np.isnan(np.asarray(line.y, float)).tolist() == [False] * 3 + [True] + [False] * 2
    bars = {trace.customdata[0][4]: trace for trace in view.figure.data if trace.type == "bar"}
    assert bars["Happy"].base.tolist() == [0.0, 5.0]
    np.testing.assert_allclose(bars["Happy"].x, [0.2, 0.2])
    unclear = next(bar for words, bar in bars.items() if words.startswith("Unclear: "))
    np.testing.assert_allclose([unclear.base[0], unclear.x[0]], [0.2, 0.1])
    assert unclear.marker.pattern.shape


def test_everybody_has_a_row_in_one_timeline_that_tells_the_levels(
    analysis, monkeypatch: pytest.MonkeyPatch
):
    view = people_view(analysis, "cnn")
    assert sorted(view.data["person"].unique()) == sorted(analysis.tracks)
    seen = view.data.assign(seconds=view.data["to (s)"] - view.data["from (s)"])
    for track, n in analysis.tracks.items():
        seconds = seen.loc[seen["person"] == track, "seconds"].sum()
        assert seconds == pytest.approx(n / analysis.rate, abs=0.15)
    drawn = [bar for bar in view.figure.data if bar.customdata is not None]
    assert {int(mark[1]) for bar in drawn for mark in bar.customdata} == set(analysis.tracks)
    monkeypatch.setattr("fer_core.views.timeline.MOST_PEOPLE", 1)
    assert MOST_PEOPLE > 1
    few = people_view(analysis, "cnn")
    assert list(few.data["person"].unique()) == [next(iter(analysis.tracks))]
    assert f"of {len(analysis.tracks)}." in few.reading


def test_in_the_timeline_of_everybody_probable_is_pale_and_unclear_is_hatched():
    view = people_view(made_up([(0.0, 0.9), (0.1, 0.45), (0.2, 0.3)]), "cnn")
    levels = list(view.data["level"])
    assert levels == ["confident", "probable", "unclear"]
    marked = [bar for bar in view.figure.data if bar.customdata is not None]
    bars = {bar.customdata[0][4]: bar.marker for bar in marked}
    assert bars["Happy"].color != bars["Probably happy"].color
    hatched = [words for words, marker in bars.items() if marker.pattern.shape]
    assert len(hatched) == 1
    assert hatched[0].startswith("Unclear: ")
    assert {bar.name for bar in view.figure.data if bar.showlegend} == {"Happy", "Unclear"}


def made_up(points: Sequence[tuple[float, float]]) -> VideoAnalysis:
    """One happy person by times and probabilities."""
    from fer_core.analysis import Analysis
    from fer_core.video.reading import VideoInfo

    frames = tuple(
        FrameAnalysis(
            number=i,
            time_s=time_s,
            analysis=Analysis(10, 10, (), 0.0, {}),
            tracks=(1,),
            smoothed=({"cnn": prediction(happy=share)},),
            events=(),
            progress=1.0,
            photo=None,
        )
        for i, (time_s, share) in enumerate(points, start=1)
    )
    return VideoAnalysis(VideoInfo(points[-1][0], 10, "h264"), frames, 10, 0.3, None)


def test_the_copy_of_an_hdr_video_that_starts_late_is_sdr_and_starts_at_once(portrait, analyzer):
    frames = moving(portrait, 4, width=240, height=240)
    times = [3 + i / 4 for i in range(len(frames))]
    content = clip(
        [in_hdr(frame, ColorTrc.ARIB_STD_B67) for frame in frames],
        times=times,
        rate=4,
        form="matroska",
        pixels="yuv420p10le",
        hdr=ColorTrc.ARIB_STD_B67,
        sound_seconds=6,
    )
    *found, last = analyze_video(content, analyzer, 4)
    assert last.note is None
    assert last.info.seconds == pytest.approx(1, abs=0.01)
    assert [round(frame.time_s, 2) for frame in found] == [0, 0.25, 0.5, 0.75]
    assert found[-1].progress == pytest.approx(0.75, abs=0.01)
    assert np.abs(found[0].photo.rgb.astype(float) - frames[0]).mean() < 9
    *_, copy = annotated_video(content, last)
    with VideoReader(copy) as reader, av.open(io.BytesIO(copy)) as container:
        drawn = list(reader.frames(100))
        [first, *_] = container.decode(video=0)
    assert first.color_trc != ColorTrc.ARIB_STD_B67
    assert [round(frame.time_s, 2) for frame in drawn] == [0, 0.25, 0.5, 0.75]
    size = drawn[0].photo.rgb.shape[1::-1]
    same = cv2.resize(frames[0], size, interpolation=cv2.INTER_LINEAR).astype(float)
    # The median: the box and its caption are drawn over the picture.
    assert np.median(np.abs(drawn[0].photo.rgb - same)) < 9
