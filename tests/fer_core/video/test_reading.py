import struct
from pathlib import Path

import av
import numpy as np
import pytest

from fer_core.content import Kind, content_of
from fer_core.drawing import encode_jpeg
from fer_core.errors import VideoDecodeError
from fer_core.video import reading
from fer_core.video.reading import SampledFrame, VideoReader
from tests.clips import clip, moving, song

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


@pytest.fixture(scope="module")
def frames(astronaut: np.ndarray) -> list[np.ndarray]:
    """Two seconds at 30 frames a second."""
    return moving(astronaut, 60, width=160, height=120, step=3)


@pytest.fixture(scope="module")
def mp4(frames: list[np.ndarray]) -> bytes:
    return clip(frames)


def read(content: bytes | Path, rate: float = 10) -> tuple[list[SampledFrame], str | None]:
    with VideoReader(content) as reader:
        return list(reader.frames(rate)), reader.note


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def nearest(image: np.ndarray, frames: list[np.ndarray]) -> int:
    """Return which of the frames looks most like an image."""
    return min(range(len(frames)), key=lambda k: difference(image[::6, ::6], frames[k][::6, ::6]))


@pytest.mark.parametrize(
    ("form", "codec", "pixels", "options"),
    [
        ("mp4", "libx264", "yuv420p", None),
        ("mov", "libx264", "yuv420p", None),
        ("matroska", "libx264", "yuv420p", None),
        ("webm", "libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8", "b": "8M"}),
        ("apng", "apng", "rgb24", {"pred": "none"}),
        ("avi", "mjpeg", "yuvj420p", {"qmax": "2"}),
        ("mpegts", "libx264", "yuv420p", None),
        ("ogg", "libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8", "b": "8M"}),
    ],
)
def test_ten_frames_a_second_are_the_ones_shown_then(frames, form, codec, pixels, options):
    content = clip(frames[:30], form=form, codec=codec, pixels=pixels, options=options)
    assert content_of(content).kind in (Kind.VIDEO, Kind.ANIMATION)
    found, note = read(content)
    assert note is None
    assert [frame.number for frame in found] == list(range(1, 11))
    np.testing.assert_allclose([frame.time_s for frame in found], np.arange(10) / 10, atol=2e-3)
    assert [nearest(frame.photo.rgb, frames[:30]) for frame in found] == list(range(0, 30, 3))


def test_an_animated_gif_is_read(frames):
    moved = clip(frames[:20], form="gif", codec="gif", pixels="rgb8", rate=20)
    found, _ = read(moved, 5)
    np.testing.assert_allclose([frame.time_s for frame in found], [0, 0.2, 0.4, 0.6, 0.8])


def test_a_path_is_read_like_its_bytes(mp4, tmp_path):
    (tmp_path / "a.mp4").write_bytes(mp4)
    assert len(read(tmp_path / "a.mp4")[0]) == 20


def test_no_more_frames_are_given_than_there_are(mp4):
    assert len(read(mp4, 1000)[0]) == 60


def test_few_frames_a_second_keep_their_times(mp4):
    found, note = read(mp4, 2)
    np.testing.assert_allclose([frame.time_s for frame in found], [0, 0.5, 1, 1.5], atol=0.07)
    assert note is None


def test_frames_keep_the_times_of_a_variable_rate(frames):
    times = [0.0, 0.04, 0.5, 0.55, 0.9, 2.0, 2.03]
    content = clip(frames[: len(times)], times=times)
    np.testing.assert_allclose([f.time_s for f in read(content, 100)[0]], times, atol=2e-3)
    np.testing.assert_allclose(
        [f.time_s for f in read(content, 10)[0]], [0, 0.5, 0.9, 2], atol=2e-3
    )


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_turned_video_comes_upright(frames, degrees):
    # Counter-clockwise, as numpy turns as well.
    [first, *_], _ = read(clip(frames[:3], rotation=degrees))
    assert difference(first.photo.rgb, np.rot90(frames[0], degrees // 90)) < 5


def test_a_mirrored_video_comes_as_it_is_shown(frames):
    [first, *_], _ = read(clip(frames[:3], mirrored=True))
    assert difference(first.photo.rgb, frames[0][:, ::-1]) < 5


@pytest.mark.parametrize("matrix", ["YCgCo", "bt2020c", "ictcp"])
def test_colors_that_ffmpeg_does_not_convert_are_taken_for_usual_ones(frames, matrix):
    options = {"preset": "ultrafast", "x264-params": f"colormatrix={matrix}"}
    [first, *_], note = read(clip(frames[:6], options=options))
    assert difference(first.photo.rgb, frames[0]) < 5
    assert note is None


def test_wide_pixels_become_square(frames):
    [first, *_], _ = read(clip(frames[:3], pixel_ratio=(4, 3)))
    assert first.photo.rgb.shape == (120, 213, 3)


def test_transparency_comes_on_white(frames):
    clear = np.zeros((64, 64, 4), np.uint8)
    clear[:32, :, :] = (200, 0, 0, 255)
    [first, *_], _ = read(clip([clear, clear], form="apng", codec="apng", pixels="rgba"))
    assert first.photo.rgb[0, 0].tolist() == [200, 0, 0]
    assert first.photo.rgb[-1, -1].tolist() == [255, 255, 255]


def test_a_cut_is_told_and_a_moving_camera_is_none(frames, no_face_png):
    from fer_core.photos.decode import decode

    other = moving(decode(no_face_png).rgb, 30, width=160, height=120)
    found, _ = read(clip([*frames[:29], *other]))
    # The first frame of the other scene, the thirtieth, lies between two samples.
    assert [round(frame.time_s, 1) for frame in found if frame.after_cut] == [1.0]


def test_a_webm_that_does_not_say_how_long_it_is_is_measured(frames):
    content = clip(frames, form="matroska", container_options={"live": "1"})
    with VideoReader(content) as reader:
        assert reader.info.seconds == pytest.approx(2, abs=0.05)
        assert len(list(reader.frames(10))) == 20


@pytest.mark.parametrize("form", ["mp4", "gif"])
def test_one_frame_is_found_by_its_time(frames, form):
    options = {"codec": "gif", "pixels": "rgb8"} if form == "gif" else {}
    content = clip(frames, form=form, rate=20, **options)
    with VideoReader(content) as reader:
        for time_s in (1.52, 0.31, 99, 0):
            photo = reader.frame_at(time_s)
            assert nearest(photo.rgb, frames) == min(59, int(time_s * 20))


def test_between_two_samples_the_caller_gets_turns(frames, monkeypatch):
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)
    with VideoReader(clip(frames)) as reader:
        steps = list(reader.frames_and_pauses(1))
    samples = [at for at, frame in enumerate(steps) if frame is not None]
    assert [steps[at].number for at in samples] == [1, 2]
    assert samples[1] - samples[0] > 20
    assert read(clip(frames), 1)[0][1].time_s == pytest.approx(1)


def test_slow_motion_is_read_like_other_videos(frames):
    found, note = read(clip(frames * 4, rate=240))
    assert [round(frame.time_s, 1) for frame in found] == [i / 10 for i in range(10)]
    assert note is None


def test_the_search_for_a_frame_can_be_ended(mp4, monkeypatch):
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)

    def stop() -> None:
        raise InterruptedError

    with VideoReader(mp4) as reader, pytest.raises(InterruptedError):
        reader.frame_at(1.5, pause=stop)


def test_what_can_be_read_of_a_cut_file_is_given_with_a_note(frames):
    whole = clip(frames, form="matroska")
    found, note = read(whole[: len(whole) // 2])
    assert 3 < len(found) < 18
    assert "cut short" in note


def test_damage_in_the_middle_costs_only_the_frames_there(frames):
    # With as many threads on every machine: the bytes differ by their number.
    options = {"g": "10", "preset": "ultrafast", "threads": "2"}
    damaged = bytearray(clip(frames, form="matroska", options=options))
    rng = np.random.default_rng(0)
    at, length = 2 * len(damaged) // 7, 8000
    damaged[at : at + length] = rng.integers(0, 256, length, np.uint8).tobytes()
    found, note = read(bytes(damaged))
    assert found[-1].time_s > 1.8
    assert "damaged" in note


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"This is no video, whatever it is called.", "not a video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a video"),
        (HEIC, "not a video"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(200), "damaged"),
        (b"\x1a\x45\xdf\xa3" + bytes(200), "damaged"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "be read"),
    ],
    ids=["empty", "text", "playlist", "concat", "heic", "mp4", "matroska", "gif"],
)
def test_what_is_no_video_is_said_in_a_sentence(content, words):
    with pytest.raises(VideoDecodeError, match=words) as error:
        read(content)
    assert str(error.value).endswith(".")


def test_an_mp4_without_its_index_is_said_to_be_cut_short(mp4):
    with pytest.raises(VideoDecodeError, match="cut short"):
        read(mp4[: len(mp4) // 2])


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(VideoDecodeError, match="cannot be read"):
        read(tmp_path / "none.mp4")


@pytest.mark.parametrize("cover", [False, True])
def test_sound_alone_is_no_video(frames, cover):
    picture = encode_jpeg(frames[0][:64, :64]) if cover else b""
    with pytest.raises(VideoDecodeError, match="only sound"):
        read(song(cover=picture))


def test_a_video_without_a_frame_is_said(mp4):
    with pytest.raises(VideoDecodeError):
        read(clip([], form="mp4"))


def test_an_uncommon_codec_stays_shut(frames):
    content = clip(frames[:3], form="avi", codec="utvideo")
    with pytest.raises(VideoDecodeError, match="utvideo"):
        read(content)


def test_a_gif_of_400_megapixels_is_refused_before_a_pixel_is_decoded():
    screen = struct.pack("<HH", 20_000, 20_000)
    frame = b",\x00\x00\x00\x00" + screen + b"\x80\x00\x00\x00\xff\xff\xff\x02\x02D\x01\x00"
    with pytest.raises(VideoDecodeError, match=r"megapixels|damaged"):
        read(b"GIF89a" + screen + b"\x00\x00\x00" + frame + frame + b";")


def test_the_limits_are_checked_on_the_header(mp4, monkeypatch):
    for name, value, words in (
        ("MAX_SECONDS", 1.0, "minutes"),
        ("MAX_FRAMES", 50, "frames"),
        ("MAX_MEGAPIXELS", 0.01, "megapixels"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(reading, name, value)
            with pytest.raises(VideoDecodeError, match=words):
                VideoReader(mp4)


def test_a_video_that_is_longer_than_it_says_ends_at_the_limit(mp4, monkeypatch):
    with VideoReader(mp4) as reader:
        monkeypatch.setattr(reading, "MAX_SECONDS", 1.0)
        found = list(reader.frames(10))
    assert found[-1].time_s == pytest.approx(1)
    assert "longer than it says" in reader.note


def test_ffmpeg_gets_no_name_of_a_file(mp4, monkeypatch):
    opened = []
    real = av.open

    def spy(file, *args, **kwargs):
        opened.append((file, kwargs["format"]))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(av, "open", spy)
    read(mp4)
    assert [form for _, form in opened] == ["mov"]
    assert not isinstance(opened[0][0], str | Path)
