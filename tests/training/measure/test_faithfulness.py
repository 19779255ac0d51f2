"""Heat maps are compared by what the network says of faces whose hottest pixels are gone, or alone there."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.evaluation.faithfulness import (
    Faithfulness,
    faithfulness_path,
    read_faithfulness,
    write_faithfulness,
)
from fer_core.networks.bundles import DEFAULT_PAIR, SERVING_FILE, resolve
from fer_core.settings import shipped_models
from training.__main__ import app
from training.measure.faithfulness import ACTIVATION, curve, measure_faithfulness

ROW = Faithfulness("cnn", "af50", "RISE", "fer2013", "test", 500, 0.3, 0.8, 0.01, 0.02, 50, 0.1)


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
    rows = measure_faithfulness([resolve("cnn_photos")], samples, rows=4)
    by_method = {row.method: row for row in rows}
    assert len(rows) == 7
    assert {row.n for row in rows} == {4}
    assert np.isnan(by_method[ACTIVATION].deletion_p)
    assert by_method["middle of the face (control)"].shuffled_correlation == pytest.approx(1)
    assert abs(by_method["occlusion"].shuffled_correlation) < 0.5
    assert by_method["occlusion"].insertion > by_method["random (control)"].insertion
    assert all(0 <= value <= 1 for row in rows for value in (row.deletion, row.insertion))


def test_a_network_without_pixels_is_refused(samples):
    with pytest.raises(DataError, match="landmarks_only sees no pixels"):
        measure_faithfulness([resolve("landmarks_only")], samples, rows=2)


def test_a_network_without_activation_maps_is_refused(samples):
    with pytest.raises(DataError, match="expw_cnn has no class activation maps"):
        measure_faithfulness([resolve("expw_cnn")], samples, rows=2)


@pytest.mark.parametrize(
    ("arguments", "is_kept"), [([], True), (["--rows", "3"], False), (["cnn"], False)]
)
def test_the_command_prints_lines_and_keeps_a_whole_run_alone(
    generated_data, tmp_path, monkeypatch, arguments, is_kept
):
    shutil.copytree(shipped_models() / "cnn", tmp_path / "cnn")
    for name in DEFAULT_PAIR:
        shutil.copytree(shipped_models() / name, tmp_path / name)
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    asked = []

    def measured(bundles, samples, *, rows):
        asked.append(([bundle.spec.name for bundle in bundles], rows))
        return [dataclasses.replace(ROW, deletion_p=float("nan"))]

    monkeypatch.setattr("training.measure.faithfulness.measure_faithfulness", measured)
    said = CliRunner().invoke(app, ["faithfulness", *arguments])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["deletion_p"] is None
    assert asked == [
        (["cnn"] if "cnn" in arguments else list(DEFAULT_PAIR), 3 if "3" in arguments else 500)
    ]
    assert faithfulness_path().is_file() is is_kept


def test_the_table_is_read_as_it_was_written_and_an_empty_one_is_refused(tmp_path):
    path = tmp_path / faithfulness_path().name
    write_faithfulness([ROW], path)
    assert read_faithfulness(path) == [ROW]
    write_faithfulness([], path)
    with pytest.raises(DataError, match="python -m training faithfulness"):
        read_faithfulness(path)


def test_the_maps_of_the_pages_are_more_faithful_than_class_activation_maps():
    """As measured for the weights that are shipped."""
    rows = read_faithfulness(shipped_models() / faithfulness_path().name)
    for name in DEFAULT_PAIR:
        by_method = {row.method: row for row in rows if row.network == name}
        shown, before = by_method["occlusion"], by_method[ACTIVATION]
        assert shown.weights_sha256 == resolve(name).spec.sha256[SERVING_FILE]
        assert shown.deletion < before.deletion
        assert shown.insertion > before.insertion
        assert max(shown.deletion_p, shown.insertion_p) < 0.05
