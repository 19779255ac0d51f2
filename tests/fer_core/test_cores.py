"""The number of cores, also where a container may use only a share of them."""

import os

import pytest

from fer_core import cores


@pytest.fixture(autouse=True)
def forgotten():
    cores.available_cores.cache_clear()
    yield
    cores.available_cores.cache_clear()


@pytest.fixture
def limits(monkeypatch, tmp_path):
    """Put the files of the limits into a folder, where there are none yet."""
    for name in ("_QUOTA", "_OLD_QUOTA", "_OLD_PERIOD"):
        monkeypatch.setattr(cores, name, tmp_path / name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    return tmp_path


@pytest.mark.parametrize(
    ("said", "expected"),
    [("100000 100000", 1), ("150000 100000", 2), ("max 100000", 8), ("9900000 100000", 8)],
)
def test_a_limit_on_time_counts_as_cores(limits, said, expected):
    (limits / "_QUOTA").write_text(f"{said}\n")
    assert cores.available_cores() == expected


@pytest.mark.parametrize(("quota", "expected"), [("250000", 3), ("-1", 8)])
def test_the_older_kind_of_limit_counts_as_well(limits, quota, expected):
    (limits / "_OLD_QUOTA").write_text(f"{quota}\n")
    (limits / "_OLD_PERIOD").write_text("100000\n")
    assert cores.available_cores() == expected


def test_without_a_limit_all_cores_count(limits):
    assert cores.available_cores() == 8
