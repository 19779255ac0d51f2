"""Heat maps are compared by what the network says of faces whose hottest pixels are gone, or alone there."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.evaluation.faithfulness import (
    faithfulness_path,
    read_faithfulness,
    write_faithfulness,
)
from fer_core.networks.bundles import open_bundle, resolve
from training.__main__ import app
from training.measure.faithfulness import ACTIVATION, curve, measure_faithfulness
from training.sources import Split, load


@pytest.fixture
def samples(generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    return load("fer2013", Split.TEST)


def test_the_hottest_pixels_change_first():
    image, other = np.zeros((48, 48), np.uint8), np.full((48, 48), 9, np.uint8)
    heat = np.zeros((48, 48))
    heat[10:14, 20:40] = 1
    images = curve(image, heat, other)
    assert not images[0].any()
    assert (images[-1] == 9).all()
    changed = (images == 9).sum(axis=(1, 2))
    np.testing.assert_allclose(changed, np.linspace(0, 48 * 48, 13), atol=1)
    assert (images[1][10:14, 20:40] == 9).all()


def test_a_map_that_knows_the_network_beats_the_controls(samples):
    rows = measure_faithfulness([resolve("cnn_photos")], samples, rows=8)
    by_method = {row.method: row for row in rows}
    assert len(rows) == 6
    assert {row.n for row in rows} == {8}
    assert np.isnan(by_method[ACTIVATION].deletion_p)
    assert by_method["occlusion"].insertion > by_method["random (control)"].insertion
    assert all(0 <= value <= 1 for row in rows for value in (row.deletion, row.insertion))
    again = measure_faithfulness([resolve("cnn_photos")], samples, rows=8)
    assert [row.deletion for row in again] == [row.deletion for row in rows]


def test_a_network_without_pixels_is_refused(samples):
    with pytest.raises(DataError, match="landmarks_only sees no pixels"):
        measure_faithfulness([resolve("landmarks_only")], samples, rows=2)


def test_the_command_prints_a_line_for_each_kind_and_keeps_no_short_try(samples, bundle, tmp_path):
    said = CliRunner().invoke(app, ["faithfulness", str(bundle.path), "--rows", "3"])
    assert said.exit_code == 0, said.output
    lines = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    assert [line["network"] for line in lines] == [open_bundle(bundle.path).spec.name] * 6
    assert lines[0]["deletion_p"] is None


def test_the_table_is_read_as_it_was_written_and_an_empty_one_is_refused(samples, tmp_path):
    rows = measure_faithfulness([resolve("cnn_photos")], samples, rows=3)
    path = tmp_path / faithfulness_path().name
    write_faithfulness(rows[1:], path)
    assert read_faithfulness(path) == rows[1:]
    write_faithfulness([], path)
    with pytest.raises(DataError, match="python -m training faithfulness"):
        read_faithfulness(path)
