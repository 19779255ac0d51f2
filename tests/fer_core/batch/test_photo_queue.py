"""The line before the work: its order, its length, and that no place is lost."""

import contextlib
import threading
import time
from collections.abc import Callable

import pytest

from fer_core.batch.photo_queue import PhotoQueue, Wait
from fer_core.errors import BusyError


class Visitor:
    """Someone in a line, in a thread of its own."""

    def __init__(
        self, queue: PhotoQueue, served: list[int], number: int, *, has_waited: bool = False
    ) -> None:
        self.told: list[Wait] = []
        self.waits = threading.Event()
        self.done = threading.Event()
        self.leave = False

        def tell(wait: Wait) -> None:
            self.told.append(wait)
            self.waits.set()
            if self.leave:
                raise SystemExit

        def visit() -> None:
            with contextlib.suppress(SystemExit), queue.place(tell, has_waited=has_waited):
                served.append(number)
                self.waits.set()
                self.done.wait(20)

        self.thread = threading.Thread(target=visit, daemon=True)
        self.thread.start()
        assert self.waits.wait(20)

    def finish(self) -> None:
        self.done.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def nothing(_: Wait) -> None:
    pytest.fail("there was a free place")


def test_a_free_place_is_taken_at_once_and_given_back_after_an_error():
    queue = PhotoQueue(places=1, longest=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), queue.place(nothing):
            _ = 1 / 0


def test_who_came_first_is_served_first_and_is_told_how_many_are_before():
    queue, served = PhotoQueue(places=2, longest=9), []
    visitors = [Visitor(queue, served, number) for number in range(5)]
    assert served == [0, 1]
    assert [visitor.told[0].before for visitor in visitors[2:]] == [0, 1, 2]
    for number, visitor in enumerate(visitors):
        visitor.finish()
        wait_until(lambda n=number: len(served) == min(n + 3, 5))
    assert served == [0, 1, 2, 3, 4]


def test_a_second_turn_comes_before_all_first_ones_and_after_earlier_second_ones():
    queue, served = PhotoQueue(places=1, longest=9), []
    visitors = [Visitor(queue, served, number, has_waited=number in (2, 3)) for number in range(4)]
    assert [visitor.told[0].before for visitor in visitors[1:]] == [0, 0, 1]
    for number in (0, 2, 3, 1):
        wait_until(lambda n=number: n in served)
        visitors[number].finish()
    assert served == [0, 2, 3, 1]


def test_the_seconds_are_those_of_the_turns_before():
    queue, served = PhotoQueue(places=1, longest=9), []
    first = Visitor(queue, served, 0)
    second = Visitor(queue, served, 1)
    assert second.told[0] == Wait(before=0, seconds=None)
    first.finish()
    third = Visitor(queue, served, 2)
    assert third.told[0].seconds > 0
    second.finish()
    third.finish()


def test_who_leaves_the_line_holds_nobody_up():
    queue, served = PhotoQueue(places=1, longest=9), []
    first, second, third = (Visitor(queue, served, number) for number in range(3))
    second.leave = True
    second.thread.join(20)
    assert not second.thread.is_alive()
    first.finish()
    third.finish()
    assert served == [0, 2]


def test_beyond_its_length_the_line_turns_visitors_away_and_serves_the_others():
    queue, served = PhotoQueue(places=1, longest=1), []
    first, second = (Visitor(queue, served, number) for number in range(2))
    with pytest.raises(BusyError, match="Try again"), queue.place(nothing):
        pass
    first.finish()
    second.finish()
    assert served == [0, 1]
