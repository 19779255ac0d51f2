"""How long a video's pictures last, whatever lies beside them in the file, and from when on."""

import io
import re

import av
import numpy as np
import pytest

from fer_core.video.reading import VideoReader
from tests.clips import clip

RATE = 10
X264 = {"preset": "ultrafast", "crf": "18"}
VP8 = {"deadline": "realtime", "cpu-used": "8", "b": "1M"}


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Two seconds of noise, so that files are cut where their bytes are."""
    return list(np.random.default_rng(0).integers(0, 256, (2 * RATE, 32, 32, 3), np.uint8))


def read(content: bytes) -> tuple[float, list[float], str | None]:
    """Return the length, the times of all frames, and the note."""
    with VideoReader(content) as reader:
        times = [frame.time_s for frame in reader.frames(100)]
        return reader.info.seconds, times, reader.note


def made(frames, form: str, start: float, sound: float = 0.0, **options: object) -> bytes:
    codec, settings = ("libvpx", VP8) if form == "webm" else ("libx264", X264)
    times = [start + i / RATE for i in range(len(frames))]
    return clip(
        frames,
        times=times,
        rate=RATE,
        form=form,
        codec=codec,
        options=settings,
        sound_seconds=sound,
        **options,
    )


def untagged(content: bytes) -> bytes:
    """Return a Matroska file without what FFmpeg says of each stream's length."""
    assert b"DURATION" in content
    return content.replace(b"DURATION", b"DURATI__")


@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("sound", [0, 8])
@pytest.mark.parametrize("form", ["mp4", "matroska", "webm"])
def test_sound_and_a_late_start_do_not_count(frames, form, sound, start):
    content = made(frames, form, start, sound)
    for variant in (content, untagged(content)) if form in ("matroska", "webm") else (content,):
        seconds, times, note = read(variant)
        assert note is None
        assert seconds == pytest.approx(2, abs=0.05)
        np.testing.assert_allclose(times, np.arange(20) / RATE, atol=2e-3)


@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("sound", [0, 8])
@pytest.mark.parametrize("tagged", [True, False])
def test_a_file_that_is_cut_short_is_told_all_the_same(frames, sound, start, tagged):
    content = made(frames, "matroska", start, sound)
    content = content if tagged else untagged(content)
    _, times, note = read(content[: len(content) * 45 // 100])
    assert 0 < len(times) < 15
    assert times[0] == 0
    assert "cut short" in note
    [said] = re.findall(r"should last (\S+) s", note)
    assert float(said) == pytest.approx(2 if tagged or not sound else 8 - start, abs=0.1)


def test_an_mp4_that_says_more_than_there_is_is_told(frames):
    # Its index at the end, it cannot be opened without its end, so the packets are blanked.
    whole = bytearray(made(frames, "mp4", 3, 8))
    index, begin = whole.index(b"moov"), whole.index(b"mdat") + 4
    middle = (begin + index) // 2
    whole[middle : index - 4] = bytes(index - 4 - middle)
    _, times, note = read(bytes(whole))
    assert 0 < len(times) < 20
    assert times[0] == 0
    assert note is not None


def test_subtitles_that_last_longer_do_not_count(frames):
    # One line from the first picture on, for 20 seconds.
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(b"1\n00:00:00,000 --> 00:00:20,000\nHello\n"), format="srt") as text,
        av.open(io.BytesIO(made(frames, "matroska", 0))) as film,
        av.open(file, "w", format="matroska") as both,
    ):
        pictures = both.add_stream_from_template(film.streams.video[0])
        lines = both.add_stream_from_template(text.streams.subtitles[0])
        for source, target in ((text, lines), (film, pictures)):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = target
                    both.mux(packet)
    for variant in (file.getvalue(), untagged(file.getvalue())):
        seconds, times, note = read(variant)
        assert note is None
        assert len(times) == 20
        assert seconds == pytest.approx(2, abs=0.05)


def test_a_last_picture_that_stays_is_no_missing_end(frames):
    times = [0.0, 0.1, 0.2, 0.3, 0.4]
    content = clip(frames[:6], times=[*times, 9.0], form="mp4")
    # As a recording of a screen ends on which nothing moves: the sixth frame is taken away.
    with av.open(io.BytesIO(content)) as source:
        packets = [p for p in source.demux(video=0) if p.dts is not None][:5]
        file = io.BytesIO()
        with av.open(file, "w", format="mp4") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            packets[-1].duration = round(8.6 / float(packets[-1].time_base))
            for packet in packets:
                packet.stream = stream
                target.mux(packet)
    seconds, found, note = read(file.getvalue())
    np.testing.assert_allclose(found, times, atol=2e-3)
    assert seconds == pytest.approx(9, abs=0.1)
    assert note is None


def test_one_frame_of_a_stream_that_starts_late_is_found_by_its_time(frames):
    with VideoReader(made(frames, "matroska", 3, 8)) as reader:
        shown = [frame.photo.rgb for frame in reader.frames(100)]
    for at in (0, 7, 19):
        with VideoReader(made(frames, "matroska", 3, 8)) as reader:
            np.testing.assert_array_equal(reader.frame_at(at / RATE).rgb, shown[at])
