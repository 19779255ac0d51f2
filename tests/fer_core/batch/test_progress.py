"""Progress in words: rate, time left, and where and how often it is told."""

import os
import pty
import termios

import pytest

from fer_core.batch.progress import Progress, ProgressLine, duration


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_rate_counts_from_the_first_photo_on():
    clock = Clock()
    progress = Progress(1_010, done=10, clock=clock)
    clock.now = 5.0
    progress.step()
    assert str(progress) == "11 of 1,010", "loading the models is no rate"
    clock.now = 15.0
    for _ in range(99):
        progress.step()
    assert str(progress) == "110 of 1,010, 9.9 per second, 1 min 31 s left"
    assert progress.share == pytest.approx(110 / 1010)


def test_a_log_gets_a_line_now_and_then_and_the_end(tmp_path):
    clock = Clock()
    log = tmp_path / "log"
    with log.open("w") as stream:
        progress = Progress(5000, noun="photos", from_first=False, clock=clock)
        with ProgressLine(stream, progress, clock=clock) as line:
            clock.now = 10
            line.step(400)
            clock.now = 40
            line.step(800, errors=3, name="trip\n1.jpg")
            clock.now = 41
            line.step(3800)
            line.finish()
    assert log.read_text().splitlines() == [
        "1,200 of 5,000 photos, 3 of them not readable, 30.0 per second, 2 min 7 s left: trip\ufffd1.jpg",
        "5,000 of 5,000 photos, 3 of them not readable, 122.0 per second",
    ]


@pytest.mark.parametrize("columns", [60, 0])
def test_on_a_terminal_the_line_changes_and_is_taken_away(columns):
    clock = Clock()
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    width = (columns or 80) - 1
    with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "w") as stream:
        with ProgressLine(stream, Progress(9, clock=clock), clock=clock) as line:
            line.step()
            clock.now = 1
            line.step(name="a.jpg")
        expected = f"\r{'2 of 9, 1.0 per second, 7 s left: a.jpg':<{width}}\r\r{'':<{width}}\r"
        shown = ""
        # A terminal may give what was written in several parts.
        while len(shown) < len(expected):
            shown += screen.read(1000).decode()
    assert shown == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (3661, "1 h 1 min"), (200_000, "2 d 7 h")],
)
def test_durations_are_told_in_two_units(seconds, text):
    assert duration(seconds) == text
