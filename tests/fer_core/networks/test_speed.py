"""The measured speed is that of the bundle's own file, and nobody's is measured beside another's."""

import os
import shutil
import threading

import pytest

from fer_core.errors import BundleError
from fer_core.networks import speed
from fer_core.networks.bundles import SERVING_FILE, bundle_folders, open_bundle, resolve
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.speed import BATCHES, AlreadyMeasuringError, measure_speed


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_every_bundle_can_be_measured(folder):
    measured = measure_speed(open_any_bundle(folder), seconds=0)
    assert tuple(measured.milliseconds) == BATCHES
    assert all(0 < value < 10_000 for value in measured.milliseconds.values())
    assert measured.cpu
    assert measured.cores == os.cpu_count()


def test_milliseconds_are_those_of_one_face(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(1000))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: float(next(clock)))
    measured = measure_speed(resolve("landmarks_only"), seconds=0)
    # By this clock every call takes a second.
    assert measured.milliseconds == {1: 1000.0, 32: 1000.0 / 32}


def test_a_second_measurement_is_told_to_wait_and_the_next_is_not(
    monkeypatch: pytest.MonkeyPatch,
):
    began, go_on = threading.Event(), threading.Event()
    answering = speed._answering

    def slow(bundle):
        began.set()
        assert go_on.wait(10)
        return answering(bundle)

    monkeypatch.setattr(speed, "_answering", slow)
    bundle = resolve("landmarks_only")
    first = threading.Thread(target=measure_speed, args=(bundle,), kwargs={"seconds": 0})
    first.start()
    assert began.wait(10)
    with pytest.raises(AlreadyMeasuringError, match="Try again"):
        measure_speed(bundle, seconds=0)
    go_on.set()
    first.join()
    assert measure_speed(bundle, seconds=0)


def test_a_damaged_file_does_not_keep_the_next_one_waiting(tmp_path):
    folder = tmp_path / "landmarks_only"
    shutil.copytree(resolve("landmarks_only").path, folder)
    (folder / SERVING_FILE).write_bytes(b"damaged")
    with pytest.raises(BundleError, match="damaged"):
        measure_speed(open_bundle(folder), seconds=0)
    assert measure_speed(resolve("landmarks_only"), seconds=0)
