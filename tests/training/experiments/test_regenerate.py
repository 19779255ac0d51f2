"""One command regenerates all that follows from weights."""

import json
import shutil

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.networks.bundles import HISTORY_FILE, KERAS_FILE, SERVING_FILE, open_bundle, sha256_of
from training.__main__ import app
from training.bundle.make import export_again
from training.loop.run_folder import CHECKPOINT_FOLDER, STATE_FILE


@pytest.fixture
def default_bundle(bundle, generated_data, monkeypatch):
    """The folder of a bundle that is called like the first default network, alone under FER_MODELS."""
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    return bundle.path.rename(bundle.path.with_name("cnn"))


@pytest.fixture(scope="module")
def measured(finished_bundle, generated_data, tmp_path_factory):
    """The folder of such a bundle after `regenerate`, and the reports."""
    models = tmp_path_factory.mktemp("measured")
    shutil.copytree(finished_bundle.path, models / "cnn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_DATA", str(generated_data))
        patch.setenv("FER_MODELS", str(models))
        made, _ = reports("cnn")
    return models / "cnn", made


@pytest.fixture
def measured_bundle(measured, generated_data, tmp_path, monkeypatch):
    """A copy of that folder, alone under FER_MODELS."""
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    return shutil.copytree(measured[0], tmp_path / "cnn")


def reports(*names):
    result = CliRunner().invoke(app, ["regenerate", *names])
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_predictions_layers_and_corrupted_faces_are_made_and_what_is_missing_is_named(
    default_bundle,
):
    shutil.rmtree(default_bundle / "predictions", ignore_errors=True)
    (default_bundle / "layers.csv").unlink(missing_ok=True)
    made, log = reports()
    assert [(report["source"], report["split"]) for report in made] == [
        ("fer2013", "valid"),
        ("fer2013", "test"),
        ("ferplus", "test"),
        ("fer2013", "test"),
    ]
    assert "mean_relative_drop" in made[-1]
    assert {path.name for path in (default_bundle / "predictions").iterdir()} == {
        *("fer2013-valid.parquet", "fer2013-test.parquet", "ferplus-test.parquet", "robustness"),
    }
    assert (default_bundle / "layers.csv").is_file()
    assert "cnn is not measured on ckplus:test" in log


def test_an_old_name_leads_to_the_folder_of_the_bundle_that_replaced_it(default_bundle):
    folder = default_bundle.rename(default_bundle.with_name("cnn_photos"))
    (folder / "layers.csv").unlink()
    result = CliRunner().invoke(app, ["describe", "cnn_wild"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["file"] == str(folder / "layers.csv")
    (folder / "layers.csv").unlink()
    made, _ = reports("cnn_wild")
    assert "mean_relative_drop" in made[-1], "it is one of the default pair"
    assert (folder / "layers.csv").is_file()
    assert [path.name for path in folder.parent.iterdir()] == ["cnn_photos"]


def test_what_was_learnt_elsewhere_is_measured_on_the_splits_it_was_chosen_on(
    default_bundle, generated_data
):
    spec = default_bundle / "spec.json"
    learnt = json.loads(spec.read_text(encoding="utf-8"))
    learnt["training_data"]["source"] = "ferplus+fer2013"
    spec.write_text(json.dumps(learnt), encoding="utf-8")
    made, _ = reports()
    assert [(report["source"], report["split"]) for report in made[:2]] == [
        ("ferplus", "valid"),
        ("ferplus", "test"),
    ]


def test_again_it_changes_no_file_and_corrupts_nothing(measured_bundle):
    files = sorted(path for path in measured_bundle.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    made, _ = reports("cnn")
    assert [report["split"] for report in made] == ["valid", "test", "test"]
    assert [path.read_bytes() for path in files] == before


def test_measures_are_taken_again_of_stored_predictions_alone(
    measured, measured_bundle, monkeypatch
):
    files = measured_bundle / "spec.json", measured_bundle / "README.md"
    before = [file.read_bytes() for file in files]
    old = json.loads(before[0])
    for metrics in old["metrics"].values():
        del metrics["mcc"], metrics["mcc_clean"]
    files[0].write_text(json.dumps(old), encoding="utf-8")
    # Neither data sets nor networks are needed.
    monkeypatch.delenv("FER_DATA")
    for name in (KERAS_FILE, SERVING_FILE):
        (measured_bundle / name).unlink()
    taken, _ = reports("cnn", "--stored")
    assert [file.read_bytes() for file in files] == before
    by_split = {(report["source"], report["split"]): report for report in measured[1][:3]}
    assert {(report["source"], report["split"]): report for report in taken} == by_split


def test_measures_are_not_taken_of_predictions_that_the_spec_does_not_tell_of(measured_bundle):
    spec = json.loads((measured_bundle / "spec.json").read_text(encoding="utf-8"))
    spec["metrics"]["fer2013:test"]["accuracy"] = 0.123
    (measured_bundle / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    result = CliRunner().invoke(app, ["regenerate", "cnn", "--stored"])
    assert result.exit_code == 1
    assert "does not match the spec" in result.stderr
    assert json.loads((measured_bundle / "spec.json").read_text(encoding="utf-8")) == spec


def test_measures_of_stored_predictions_cannot_be_those_of_new_files(default_bundle):
    result = CliRunner().invoke(app, ["regenerate", "cnn", "--stored", "--files"])
    assert result.exit_code == 2


@pytest.mark.slow
@pytest.mark.release
def test_files_of_an_older_export_are_written_as_today_and_the_run_is_still_told_of(default_bundle):
    # As before weights were rounded: float16 holds none of these exactly.
    old = keras.models.load_model(default_bundle / KERAS_FILE, compile=False)
    rng = np.random.default_rng(0)
    old.set_weights([w * rng.uniform(0.999, 1.001, w.shape) for w in old.get_weights()])
    old.save(default_bundle / KERAS_FILE)
    spec = json.loads((default_bundle / "spec.json").read_text(encoding="utf-8"))
    spec["sha256"][KERAS_FILE] = sha256_of(default_bundle / KERAS_FILE)
    (default_bundle / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    history = (default_bundle / HISTORY_FILE).read_bytes()

    result = CliRunner().invoke(app, ["regenerate", "cnn", "--files"])
    assert result.exit_code == 0, result.stderr

    new = keras.models.load_model(default_bundle / KERAS_FILE, compile=False)
    *_, kernel, _ = new.get_weights()
    assert (kernel == kernel.astype(np.float16)).all()
    image = rng.integers(0, 256, (1, 48, 48, 1)).astype(np.float32)
    np.testing.assert_allclose(new(image), old(image), atol=0.02)
    open_bundle(default_bundle).verify(SERVING_FILE)
    after = json.loads((default_bundle / "spec.json").read_text(encoding="utf-8"))
    chosen_again = {"sha256", "temperature", "abstention_threshold", "metrics"}
    assert {key for key in spec if after[key] != spec[key]} <= chosen_again
    assert set(after["metrics"]) == {"fer2013:valid", "fer2013:test", "ferplus:test"}
    assert (default_bundle / HISTORY_FILE).read_bytes() == history


def test_files_are_written_anew_where_a_second_data_set_is_not_at_hand(default_bundle):
    spec = json.loads((default_bundle / "spec.json").read_text(encoding="utf-8"))
    spec["training_data"]["source"] = "fer2013+expw"
    (default_bundle / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    export_again(open_bundle(default_bundle)).verify(SERVING_FILE)


def test_files_are_not_written_where_an_unfinished_run_would_be_lost(default_bundle):
    state = default_bundle / CHECKPOINT_FOLDER / STATE_FILE
    state.parent.mkdir()
    state.touch()
    result = CliRunner().invoke(app, ["regenerate", "cnn", "--files"])
    assert result.exit_code == 1
    assert "unfinished run" in result.stderr
    assert state.is_file()


def test_weights_whose_network_is_built_otherwise_today_keep_their_files(default_bundle):
    spec = json.loads((default_bundle / "spec.json").read_text(encoding="utf-8"))
    # The same weights fit, and another picture is looked at.
    spec["recipe"]["architecture"]["view_pixels"] = 40
    (default_bundle / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    before = sha256_of(default_bundle / SERVING_FILE)
    result = CliRunner().invoke(app, ["regenerate", "cnn", "--files"])
    assert result.exit_code == 1
    assert "does not build the network" in result.stderr
    assert sha256_of(default_bundle / SERVING_FILE) == before
