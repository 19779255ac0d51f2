"""Who may be live, and in which order the others come."""

import pytest

from fer_core.live import places
from fer_core.live.places import LivePlaces


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A time that passes when its one element is changed."""
    now = [0.0]
    monkeypatch.setattr(places.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("clock")
def test_visits_are_served_in_the_order_in_which_they_came():
    line = LivePlaces(2, patience_s=6)
    assert [line.ask(visit) for visit in "abcd"] == [0, 0, 1, 2]
    assert [line.ask(visit) for visit in "dcba"] == [2, 1, 0, 0]
    line.leave("a")
    assert [line.ask(visit) for visit in "bcd"] == [0, 0, 1]
    assert line.ask("a") == 2, "who comes back is the last"
    line.leave("nobody")


def test_who_asks_no_more_has_left(clock: list[float]):
    line = LivePlaces(1, patience_s=6)
    assert [line.ask(visit) for visit in "abc"] == [0, 1, 2]
    clock[0] = 5
    assert [line.ask(visit) for visit in "ac"] == [0, 2]
    clock[0] = 8
    assert line.ask("c") == 1, "b has left the line"
    clock[0] = 12
    assert line.ask("c") == 0, "a has left its place"


def test_a_turn_ends_while_others_wait_and_the_visit_goes_to_the_end(clock: list[float]):
    line = LivePlaces(2, patience_s=1000, turn_s=300)
    assert [line.ask(visit) for visit in "ab"] == [0, 0]
    clock[0] = 900
    assert [line.ask(visit) for visit in "ab"] == [0, 0], "nobody waits"
    assert [line.ask(visit) for visit in "cd"] == [1, 2]
    assert [line.ask(visit) for visit in "abcd"] == [2, 0, 0, 1], "one turn ends at a time"
    clock[0] = 1049
    assert [line.ask(visit) for visit in "bcda"] == [0, 0, 1, 2]
    clock[0] = 1050
    assert [line.ask(visit) for visit in "bcda"] == [2, 0, 0, 1]
    clock[0] = 1199
    assert line.ask("c") == 0, "the turn of one who came later is as long"
    clock[0] = 1200
    assert [line.ask(visit) for visit in "cda"] == [2, 0, 0]


def test_who_leaves_ends_the_turn_too(clock: list[float]):
    line = LivePlaces(1, patience_s=1000, turn_s=300)
    assert [line.ask(visit) for visit in "ab"] == [0, 1]
    clock[0] = 299
    line.leave("a")
    assert [line.ask(visit) for visit in "ba"] == [0, 1]
    clock[0] = 598
    assert [line.ask(visit) for visit in "ba"] == [0, 1]
    clock[0] = 599
    assert [line.ask(visit) for visit in "ba"] == [1, 0]
