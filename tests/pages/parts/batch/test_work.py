"""The work on a batch, with two runs of its page at once."""

import io
import threading
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest

from fer_core.batch import results as core_batch
from fer_core.batch.inputs import PhotoBytes
from pages.parts.batch.work import Batch, Task
from tests.conftest import png


@pytest.fixture
def batch(astronaut: np.ndarray) -> Batch:
    """Two photos, not analyzed yet."""
    small = png(astronaut[:256, 100:356])
    files = {name: PhotoBytes(f"{name}.png", small) for name in "ab"}
    return Batch(dict(files), 0, ("usual",), {})


def work(batch: Batch) -> Iterator[None]:
    return batch.work(lambda words: None)


def test_a_result_of_the_networks_before_is_kept_with_them(batch: Batch, monkeypatch):
    look_at = core_batch.look_at

    def look_while_networks_change(file, analyzer):
        found = look_at(file, analyzer)
        if batch.results:
            batch.change_networks(("other",))
        return found

    monkeypatch.setattr(core_batch, "look_at", look_while_networks_change)
    batch.start(Task.LOOKING)
    overtaken = work(batch)
    next(overtaken)
    next(overtaken)
    monkeypatch.undo()
    assert batch.results == {}
    assert batch.before[0] == ("usual",)
    assert list(batch.before[1]) == ["a", "b"]
    assert list(overtaken) == []
    assert batch.is_looking, "the run before ended the task of the next one"
    assert len(list(work(batch))) == 2
    assert batch.is_whole
    assert not batch.is_busy


def in_two_threads(batch: Batch) -> None:
    threads = [threading.Thread(target=lambda: list(work(batch))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


class Meeting:
    """Lets the first caller wait for a second one, who is kept out where turns are taken."""

    def __init__(self, method) -> None:
        self.calls: list[str] = []
        self._method = method
        self._second = threading.Event()

    def __call__(self, *arguments):
        file = next(thing for thing in arguments if isinstance(thing, PhotoBytes))
        self.calls.append(file.name)
        if len(self.calls) > 1:
            self._second.set()
        self._second.wait(0.5)
        return self._method(*arguments)


def test_a_click_while_photos_are_analyzed_and_zipped_repeats_none(batch: Batch, monkeypatch):
    looks = Meeting(core_batch.look_at)
    monkeypatch.setattr(core_batch, "look_at", looks)
    batch.start(Task.LOOKING)
    in_two_threads(batch)
    assert looks.calls == ["a.png", "b.png"]
    assert not batch.is_busy
    adds = Meeting(core_batch.AnnotatedZip.add)

    def add(*arguments) -> None:
        adds(*arguments)

    monkeypatch.setattr(core_batch.AnnotatedZip, "add", add)
    batch.start(Task.ZIPPING)
    in_two_threads(batch)
    assert adds.calls == ["a.png", "b.png"]
    assert not batch.is_busy
    with zipfile.ZipFile(io.BytesIO(batch.zip)) as archive:
        assert archive.namelist() == ["0001-a.jpg", "0002-b.jpg"]


def test_a_zip_that_was_overtaken_leaves_the_next_one_whole(batch: Batch):
    batch.start(Task.LOOKING)
    list(work(batch))
    batch.start(Task.ZIPPING)
    overtaken = work(batch)
    next(overtaken)
    batch.look_again()
    list(work(batch))
    assert list(overtaken) == [None]
    assert batch.zip is None
    batch.start(Task.ZIPPING)
    list(work(batch))
    with zipfile.ZipFile(io.BytesIO(batch.zip)) as archive:
        assert len(archive.namelist()) == 2
