"""A run learns, survives a kill, stops at NaN, and becomes a bundle that serves what it learnt."""

import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.errors import BundleError
from fer_core.evaluation.metrics import coverage_and_accuracy, fit_temperature
from fer_core.faces.crops import FaceInputs
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.networks.bundles import KERAS_FILE, SERVING_FILE, open_bundle, sha256_of
from fer_core.networks.classifier import Classifier
from fer_core.networks.softmax import softmax
from fer_core.studies.runs import read_rows, runs_path
from training.alone import alone
from training.errors import TrainingError
from training.loop.fit import (
    _begin_epoch,
    _compiled,
    _optimizer,
    fit,
)
from training.loop.history import History
from training.loop.run_folder import (
    CHECKPOINT_FOLDER,
    DATA_FILE,
    READY_FOLDER,
    STATE_FILE,
    can_be_resumed,
    open_run,
)
from training.schema.figure import Figure
from training.sources import Split, load
from training.tasks.batches import batches
from training.tasks.of_recipe import task_of
from training.tasks.parents import Parents
from training.tasks.targets import one_hot


@pytest.fixture(autouse=True)
def _generated_data(generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))


@pytest.fixture
def few_faces(tiny_recipe):
    """The tiny recipe on a single step an epoch."""
    return tiny_recipe.with_overrides(["data.rows=28"])


def numpy(variable):
    import keras

    return keras.ops.convert_to_numpy(variable)


def assert_same_weights(found, expected):
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


class Killed(BaseException):
    """Stands for a kill: nothing in the run may catch it."""


def kill_in_epoch(monkeypatch, epoch, *, after_state):
    """Make a run die at the end of an epoch, just before or just after its state is written."""
    from training.loop.callbacks import StateWriter

    original = StateWriter.on_epoch_end

    def on_epoch_end(self, number, logs=None):
        if number + 1 == epoch and not after_state:
            raise Killed
        original(self, number, logs)
        if number + 1 == epoch:
            raise Killed

    monkeypatch.setattr(StateWriter, "on_epoch_end", on_epoch_end)


def test_a_run_learns_and_keeps_its_history(finished_run, tiny_recipe):
    folder, result = finished_run
    assert result.history["epoch"].tolist() == [1, 2, 3, 4]
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0]
    # The learning rate rises in the warm-up and ends near zero.
    assert result.history["learning_rate"].iloc[-1] < 1e-3 < result.history["learning_rate"].max()
    written = pd.read_csv(folder / CHECKPOINT_FOLDER / "history.csv")
    pd.testing.assert_frame_equal(written, result.history)
    assert (result.n_train, result.n_left_out) == (210, 0)
    assert result.backend.startswith("tensorflow 2.")


@pytest.mark.parametrize(
    "after_state",
    [
        pytest.param(False, marks=pytest.mark.slow, id="before its state"),
        pytest.param(True, id="after its state"),
    ],
)
def test_a_killed_run_resumes_to_what_an_unbroken_run_gives(
    finished_run, tiny_recipe, tmp_path, monkeypatch, after_state
):
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 3, after_state=after_state)
        with pytest.raises(Killed):
            fit(tiny_recipe, tmp_path)
    resumed = fit(tiny_recipe, tmp_path, resume=True)
    _, unbroken = finished_run
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    pd.testing.assert_frame_equal(
        resumed.history[columns], unbroken.history[columns], atol=1e-4, check_dtype=False
    )
    assert_same_weights(resumed.network, unbroken.network)


@pytest.mark.slow
@pytest.mark.release
def test_a_run_that_was_killed_when_all_epochs_were_done_only_has_to_be_finished(
    few_faces, tmp_path, monkeypatch, without_graphs
):
    recipe = few_faces.with_overrides(["epochs=1"])
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 1, after_state=True)
        with pytest.raises(Killed):
            fit(recipe, tmp_path / "killed")
    state = (tmp_path / "killed" / CHECKPOINT_FOLDER / STATE_FILE).read_bytes()
    resumed = fit(recipe, tmp_path / "killed", resume=True)
    assert (tmp_path / "killed" / CHECKPOINT_FOLDER / STATE_FILE).read_bytes() == state
    assert_same_weights(resumed.network, fit(recipe, tmp_path / "unbroken").network)


LONGER = (pytest.mark.slow, pytest.mark.release)


@pytest.mark.parametrize(
    "killed_in", [None, *(pytest.param(epoch, marks=LONGER) for epoch in (4, 5))]
)
def test_a_run_stops_when_its_best_epoch_lies_as_far_back_as_its_patience(
    few_faces, tmp_path, monkeypatch, without_graphs, killed_in
):
    """Killed or not; and the gentle last epoch is not trained either, however good the sixth would be."""
    from training.loop.callbacks import StateWriter

    figures = [0.1, 0.2, 0.8, 0.3, 0.3, 0.9, 0.4, 0.4, 0.4]
    original = StateWriter.on_epoch_end

    def with_planned_figure(self, number, logs):
        self._history._validation["val_accuracy"] = figures[number]
        original(self, number, logs)

    monkeypatch.setattr(StateWriter, "on_epoch_end", with_planned_figure)
    recipe = few_faces.with_overrides(["epochs=9", "patience=2"])
    if killed_in is not None:
        with monkeypatch.context() as patch:
            kill_in_epoch(patch, killed_in, after_state=True)
            with pytest.raises(Killed):
                fit(recipe, tmp_path)
    result = fit(recipe, tmp_path, resume=killed_in is not None)
    assert result.history["val_accuracy"].tolist() == figures[:5]


def test_epochs_that_are_not_validated_choose_nothing(few_faces, tmp_path, without_graphs):
    recipe = few_faces.with_overrides(["epochs=3", "validate_every=2", "refinement=null"])
    assert recipe.validated_epochs == (2, 3)
    result = fit(recipe, tmp_path)
    assert result.history["val_accuracy"].isna().tolist() == [True, False, False]
    assert result.history.columns.tolist()[:5] == (
        ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    )
    resumed = fit(recipe, tmp_path, resume=True)
    assert_same_weights(resumed.network, result.network)


def test_patience_counts_all_epochs_since_the_best_that_was_validated(tmp_path):
    history = History(tmp_path / "history.csv", Figure("accuracy", greater_is_better=True))
    for epoch, value in enumerate((None, 0.5, None, 0.4, None), start=1):
        if value is not None:
            expected = history.take_validation({"faces": {"loss": 1.0, "accuracy": value}})
            assert expected == (value == 0.5)
        history.append({"epoch": epoch, "loss": 1.0, "accuracy": 0.1}, seconds=1.0)
    assert history.is_stale(3)
    assert not history.is_stale(4)
    assert not History(tmp_path / "none.csv", history.figure).is_stale(0)


def test_the_state_holds_optimiser_and_averages(finished_run, tiny_recipe):
    folder, _ = finished_run
    task = task_of(tiny_recipe, Parents())
    optimizer = _optimizer(tiny_recipe, task.network, steps_per_epoch=4)
    model = _compiled(task.phases[0].enter(task.network), task, optimizer)
    model.load_weights(folder / CHECKPOINT_FOLDER / STATE_FILE)
    assert int(optimizer.iterations) == 4 * 4
    momenta = [v for v in optimizer.variables if "momentum" in v.path]
    averages = optimizer._model_variables_moving_average
    assert len(momenta) == len(averages) == len(model.trainable_variables)
    assert all(np.abs(numpy(v)).max() > 0 for v in momenta)
    moved = [
        np.abs(numpy(a) - numpy(w)).max()
        for a, w in zip(averages, model.trainable_variables, strict=True)
    ]
    assert max(moved) > 1e-4, "the averages are the weights themselves"


def test_every_epoch_has_its_own_random_numbers_whatever_came_before(tiny_recipe):
    """Keras does not save the generators' state: without a new start, epochs would repeat after a kill."""
    task = task_of(tiny_recipe, Parents())
    optimizer = _optimizer(tiny_recipe, task.network, steps_per_epoch=4)
    model = _compiled(task.phases[0].enter(task.network), task, optimizer)
    train = load("fer2013", Split.TRAIN)
    steps = batches(tiny_recipe, train, one_hot(train), 32)
    inputs, _ = steps[0]

    def outputs(epoch):
        _begin_epoch(model, steps, 0, epoch)
        return numpy(model(inputs, training=True))

    first, second = outputs(1), outputs(2)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(outputs(1), first, atol=1e-5)
    states = [v for v in model.non_trainable_variables if "seed_generator" in v.path]
    assert len(states) == 2, "augmentation and dropout"


def test_a_loss_that_is_no_number_stops_the_run(few_faces, tmp_path, without_graphs):
    from training.errors import DivergedError

    wild = few_faces.with_overrides(
        ["optimizer.peak_learning_rate=1e30", "optimizer.warmup_epochs=0", "batch_size=7"]
    )
    with pytest.raises(DivergedError, match=r"loss became nan in epoch 1.*peak_learning_rate"):
        fit(wild, tmp_path)
    assert not (tmp_path / CHECKPOINT_FOLDER / STATE_FILE).exists()


@pytest.mark.slow
@pytest.mark.release
def test_a_full_disk_leaves_the_last_good_state(finished_run, tiny_recipe, tmp_path, monkeypatch):
    """A limit on the size of files stands for the full disk: HDF5 meets both in the middle of a write."""
    from training.loop.callbacks import StateWriter

    original = StateWriter.on_epoch_end
    _, unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

    def on_epoch_end(self, number, logs=None):
        if number + 1 == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, unlimited))
        try:
            original(self, number, logs)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))

    with monkeypatch.context() as patch:
        patch.setattr(StateWriter, "on_epoch_end", on_epoch_end)
        with pytest.raises(TrainingError, match=r"could not be written.*make room.*--resume"):
            fit(tiny_recipe, tmp_path)
    kept = {path.name for path in (tmp_path / CHECKPOINT_FOLDER).iterdir()}
    kept_files = {"ancestors.json", "backend.txt", "best.weights.h5", "history.csv", "recipe.json"}
    assert kept == {*kept_files, DATA_FILE, STATE_FILE}
    resumed = fit(tiny_recipe, tmp_path, resume=True)
    _, unbroken = finished_run
    np.testing.assert_allclose(resumed.history["loss"], unbroken.history["loss"], atol=1e-4)
    assert_same_weights(resumed.network, unbroken.network)


@pytest.mark.slow
@pytest.mark.release
def test_logs_for_tensorboard_are_written_where_it_is_installed(
    few_faces, tmp_path, monkeypatch, without_graphs
):
    recipe = few_faces.with_overrides(["epochs=1"])
    fit(recipe, tmp_path / "run", tensorboard=True)
    written = [path.parent.name for path in (tmp_path / "run").rglob("*tfevents*")]
    assert sorted(written) == ["train", "validation"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"requirements-train\.txt, or leave --tensorboard out"):
        fit(recipe, tmp_path / "other", tensorboard=True)
    assert not (tmp_path / "other").exists()


def test_runs_that_would_overwrite_or_mix_are_refused(finished_run, tiny_recipe, tmp_path):
    folder, _ = finished_run
    with pytest.raises(TrainingError, match=r"unfinished run is in .*--resume"):
        fit(tiny_recipe, folder)
    with pytest.raises(TrainingError, match="other settings"):
        fit(tiny_recipe.with_overrides(["seed=9"]), folder, resume=True)
    with pytest.raises(TrainingError, match="no unfinished run"):
        fit(tiny_recipe, tmp_path, resume=True)


def test_a_trained_run_without_its_optimisers_state_is_not_overwritten(
    finished_run, tiny_recipe, tmp_path
):
    out = shutil.copytree(finished_run[0], tmp_path / "run")
    checkpoint = out / CHECKPOINT_FOLDER
    (checkpoint / STATE_FILE).unlink()
    before = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    with pytest.raises(TrainingError, match=r"unfinished run is in .*--resume"):
        fit(tiny_recipe, out)
    assert {path.name: path.read_bytes() for path in checkpoint.iterdir()} == before
    # Of more epochs, it is over if its patience was exhausted.
    assert not can_be_resumed(tiny_recipe.with_overrides(["epochs=9"]), checkpoint)
    table = pd.read_csv(checkpoint / "history.csv")
    table["val_accuracy"] = [0.9, 0.5, 0.5, 0.5]
    table.to_csv(checkpoint / "history.csv", index=False)
    patient = tiny_recipe.with_overrides(["epochs=9", "patience=3"])
    assert can_be_resumed(patient, checkpoint)


def test_a_damaged_record_of_a_run_is_named(finished_run, tiny_recipe, tmp_path):
    out = shutil.copytree(finished_run[0], tmp_path / "run")
    (out / CHECKPOINT_FOLDER / "recipe.json").write_text('{"name": "cnn", ')
    with pytest.raises(TrainingError, match=r"recipe\.json is damaged"):
        fit(tiny_recipe, out, resume=True)


def test_a_state_is_written_where_room_cannot_be_taken_before(
    few_faces, tmp_path, without_graphs, monkeypatch
):
    """As on macOS."""
    monkeypatch.delattr(os, "posix_fallocate")
    fit(few_faces.with_overrides(["epochs=1", "restarts=[]"]), tmp_path)
    assert (tmp_path / CHECKPOINT_FOLDER / STATE_FILE).is_file()


def test_statistics_are_means_over_all_images_also_of_a_short_last_batch(monkeypatch, tmp_path):
    import keras

    from training.loop import callbacks

    monkeypatch.setattr(callbacks, "STATISTICS_BATCH", 4)
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.BatchNormalization()])
    values = np.random.default_rng(0).normal(5, 2, (9, 3)).astype(np.float32)
    validation = callbacks.AveragedValidation(
        tmp_path / "best",
        network,
        History(tmp_path / "history.csv", Figure("accuracy", greater_is_better=True)),
        inputs={"image": values},
        references={},
    )
    validation._measure_statistics()
    mean = network.layers[-1].moving_mean
    np.testing.assert_allclose(numpy(mean), values.mean(axis=0), rtol=1e-5)


def test_a_row_left_by_a_run_without_a_state_is_forgotten(few_faces, tmp_path, without_graphs):
    folder = tmp_path / CHECKPOINT_FOLDER
    folder.mkdir()
    (folder / "history.csv").write_text(
        "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n1,9,0.1,9,0.99,0.1,5\n"
    )
    result = fit(few_faces.with_overrides(["epochs=1"]), tmp_path)
    assert result.history["val_accuracy"].tolist() != [0.99]
    assert len(result.history) == 1


def test_the_bundle_is_whole_and_the_state_is_gone(finished_bundle, tiny_recipe):
    path, spec = finished_bundle.path, finished_bundle.spec
    assert {p.name for p in path.iterdir()} == {
        "README.md",
        "history.csv",
        "layers.csv",
        "model.keras",
        "model.tflite",
        "spec.json",
    }
    assert open_bundle(path) == finished_bundle
    assert spec.sha256 == {name: sha256_of(path / name) for name in (KERAS_FILE, SERVING_FILE)}
    assert spec.recipe == tiny_recipe.model_dump(mode="json")
    assert spec.training_data.n == 210
    assert spec.name == "rings"
    assert len(pd.read_csv(path / "history.csv")) == 4


def test_keras_and_serving_file_agree_on_any_batch_size(finished_bundle, rings):
    import keras

    network = keras.models.load_model(
        finished_bundle.verify(KERAS_FILE), compile=False, safe_mode=True
    )
    assert network.count_params() == finished_bundle.spec.parameters
    images, _ = rings(10, seed=50)
    classifier = Classifier(finished_bundle, threads=1)
    for n in (1, 5, 70):
        logits, maps = classifier.logits(images[:n])
        expected = numpy(network(images[:n, ..., None].astype(np.float32)))
        np.testing.assert_allclose(logits, expected, atol=1e-4)
        np.testing.assert_allclose(maps.mean(axis=(1, 2)), logits, atol=1e-4)
    assert np.ptp(logits, axis=0).min() > 0.1, "the network says the same of every image"


def test_the_file_carries_no_optimiser_state(finished_bundle, tmp_path):
    import zipfile

    import h5py

    with zipfile.ZipFile(finished_bundle.path / KERAS_FILE) as archive:
        archive.extract("model.weights.h5", tmp_path)
    names = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visit(names.append)
    assert names
    assert not [name for name in names if "optimizer" in name]


def test_calibration_and_threshold_come_from_clean_validation_rows(finished_bundle):
    valid = load("fer2013", Split.VALID)
    valid = valid.select(valid.clean)
    logits, _ = Classifier(finished_bundle).logits(valid.images)
    spec = finished_bundle.spec
    assert spec.temperature == pytest.approx(fit_temperature(logits, valid.labels), rel=1e-3)
    probabilities = softmax(logits, temperature=spec.temperature)
    coverage, accuracy = coverage_and_accuracy(
        valid.labels, probabilities, spec.abstention_threshold
    )
    assert coverage == 0 or accuracy >= 0.85
    prediction = Classifier(finished_bundle).predict([FaceInputs(image=valid.images[0])])[0]
    np.testing.assert_allclose(prediction.probabilities, probabilities[0], atol=1e-5)


def test_export_needs_tensorflow_and_says_how_to_finish(monkeypatch, tmp_path):
    import keras

    from training.bundle.export import export

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(TrainingError, match=r"only be written under TensorFlow.*--resume"):
        export(None, tmp_path)


def test_export_refuses_a_serving_file_that_disagrees(finished_run, monkeypatch, tmp_path):
    from training.bundle import export

    monkeypatch.setattr(export, "_largest_difference", lambda *_: 2e-4)
    monkeypatch.setattr(export, "_convert", lambda *_, **__: b"")
    with pytest.raises(TrainingError, match=r"disagrees with model.keras by 2.0e-04"):
        export.export(finished_run[1].network, tmp_path)
    assert not (tmp_path / SERVING_FILE).exists()


def test_parity_is_measured_not_assumed(finished_bundle, rings):
    """A serving file of other weights must be far from this network."""
    from training.bundle.export import PARITY, _largest_difference

    images, _ = rings(1, seed=3)
    none = np.zeros((len(images), FEATURE_SIZE), np.float32)
    logits, maps = Classifier(finished_bundle).logits(images)
    content = finished_bundle.serving_file.read_bytes()
    assert _largest_difference(content, images, none, [logits, maps]) < PARITY
    assert _largest_difference(content, images, none, [logits, maps + 0.01]) > PARITY


@pytest.mark.usefixtures("without_graphs", "quick_export")
def test_changed_settings_are_recorded_and_reach_the_spec(
    finished_run, tiny_recipe, tmp_path, generated_data
):
    from training.bundle.make import make_bundle

    folder, _ = finished_run
    out = tmp_path / "changed"
    shutil.copytree(folder, out)
    longer = tiny_recipe.with_overrides(["epochs=5", "augment.rotate_degrees=3"])
    with pytest.raises(TrainingError, match="--change-settings"):
        fit(longer, out, resume=True)
    result = fit(longer, out, resume=True, change_settings=True)
    assert len(result.history) == 5
    (change,) = result.changes
    assert change.epochs == 4
    assert change.before == {"epochs": 4, "augment.rotate_degrees": 10.0}
    bundle = make_bundle(result, longer, out)
    assert "the first 4 epochs had other settings: " in bundle.spec.training_data.note
    assert "augment.rotate_degrees 10.0" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("architecture.widths=[4,4]", "architecture.widths"),
        ("data.rows=100", "data.rows"),
        ("batch_size=16", "batch_size"),
        ('optimizer={"kind": "adam"}', "optimizer.kind"),
    ],
)
def test_a_run_keeps_its_network_and_its_rows(finished_run, tiny_recipe, tmp_path, setting, named):
    """Keras would refuse the state with a traceback, or its epochs would be counted wrongly."""
    folder, _ = finished_run
    out = tmp_path / "changed"
    shutil.copytree(folder, out)
    before = {path.name: path.read_bytes() for path in (out / "checkpoint").iterdir()}
    other = tiny_recipe.with_overrides([setting])
    with pytest.raises(TrainingError, match=rf"another {named}: .*--out"):
        fit(other, out, resume=True, change_settings=True)
    assert {path.name: path.read_bytes() for path in (out / "checkpoint").iterdir()} == before


def test_a_run_does_not_go_on_with_other_rows(
    finished_run, tiny_recipe, generated_data, tmp_path, monkeypatch
):
    out = shutil.copytree(finished_run[0], tmp_path / "run")
    root = shutil.copytree(generated_data, tmp_path / "data")
    table = pd.read_csv(root / "fer2013" / "fer2013.csv")
    table.loc[0, "emotion"] = (table.loc[0, "emotion"] + 1) % 7
    table.to_csv(root / "fer2013" / "fer2013.csv", index=False)
    monkeypatch.setenv("FER_DATA", str(root))
    with pytest.raises(TrainingError, match=r"other training rows .*Put the data back"):
        fit(tiny_recipe, out, resume=True)
    # A run that was started before digests were recorded.
    (out / CHECKPOINT_FOLDER / DATA_FILE).unlink()
    assert len(fit(tiny_recipe, out, resume=True).history) == 4


def test_a_kill_among_the_moves_is_finished_where_the_bundle_replaces_its_parent(
    bundle, few_faces, monkeypatch, without_graphs, quick_export
):
    """As `cnn_photos` does, which starts with the weights of the `cnn_photos` before it."""
    from training.experiments.run import train

    out = bundle.path
    monkeypatch.setenv("FER_MODELS", str(out.parent))
    recipe = few_faces.with_overrides(
        ["teacher=rings", "teacher_share=0.5", "epochs=1", "restarts=[]"]
    )
    original = Path.replace

    def replace(path, target):
        if target == out / "layers.csv":
            raise Killed
        return original(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            train(recipe, out)
    with pytest.raises(BundleError, match="damaged"):
        open_bundle(out).verify(KERAS_FILE)
    train(recipe, out, resume=True)
    made = open_bundle(out)
    for file in (KERAS_FILE, SERVING_FILE):
        made.verify(file)
    assert made.spec.recipe == recipe.model_dump(mode="json")
    assert not (out / CHECKPOINT_FOLDER).exists()


def test_a_new_run_does_not_end_with_the_files_of_another(tiny_recipe, bundle, tmp_path):
    from training.bundle.staging import finish_moves

    ready = tmp_path / CHECKPOINT_FOLDER / READY_FOLDER
    shutil.copytree(bundle.path, ready)
    assert not finish_moves(tiny_recipe.with_overrides(["seed=9"]), tmp_path)
    open_run(tiny_recipe, tmp_path / CHECKPOINT_FOLDER, resume=False)
    assert not ready.exists()
    assert not finish_moves(tiny_recipe, tmp_path)


def command(*arguments):
    return [sys.executable, "-m", "training", *arguments]


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    [
        "tensorflow",
        *(
            pytest.param(name, marks=pytest.mark.release)
            for name in ("jax", "torch")
            if importlib.util.find_spec(name) is not None
        ),
    ],
)
def test_control_c_keeps_the_last_epoch_and_says_so(backend, tiny_settings, tmp_path):
    settings = [part for item in tiny_settings for part in ("--set", item)]
    process = subprocess.Popen(
        command("fit", "cnn", "--epochs", "5000", "--out", str(tmp_path), *settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
        # A shell starts its background jobs deaf to Ctrl-C, and they pass that on. It is safe here:
        # the function takes no lock that another thread could hold.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    state = tmp_path / CHECKPOINT_FOLDER / STATE_FILE
    try:
        deadline = time.monotonic() + 120
        while not state.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "last complete epoch is kept" in err
    assert "--resume" in err
    assert "Traceback" not in err
    assert out == ""
    assert state.is_file()


def test_the_command_line_trains_bundles_and_measures(
    tiny_settings, finished_run, generated_data, tmp_path
):
    import json

    from typer.testing import CliRunner

    from training.__main__ import app

    # A run that is complete but for its bundle: --resume only has to finish it.
    shutil.copytree(finished_run[0], tmp_path / "rings")
    settings = [part for item in tiny_settings for part in ("--set", item)]
    arguments = ["fit", "cnn", "--resume", "--epochs", "4", "--out", str(tmp_path / "rings")]
    result = CliRunner().invoke(app, [*arguments, *settings])
    assert result.exit_code == 0, result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert [report["split"] for report in reports] == ["valid", "test"]
    spec = open_bundle(tmp_path / "rings").spec
    assert spec.metrics["fer2013:test"].accuracy == reports[1]["accuracy"]
    assert not (tmp_path / "rings" / CHECKPOINT_FOLDER).exists()
    # The record lies beside the bundle: a try elsewhere leaves that of the project alone.
    (row,) = read_rows(runs_path(tmp_path)).to_dict("records")
    assert row["fer2013:test accuracy"] == reports[1]["accuracy"]
    # After a kill while it was measured, there is nothing to train.
    trained = (tmp_path / "rings" / "spec.json").stat()
    again = CliRunner().invoke(app, [*arguments, *settings])
    assert again.exit_code == 0, again.stderr
    assert [json.loads(line)["split"] for line in again.stdout.splitlines()] == ["valid", "test"]
    assert (tmp_path / "rings" / KERAS_FILE).stat().st_mtime <= trained.st_mtime
    assert len(read_rows(runs_path(tmp_path))) == 1
    # And two processes never train in one folder.
    with alone(tmp_path / "rings"):
        refused = CliRunner().invoke(app, [*arguments, *settings])
    assert refused.exit_code == 1
    assert "Another process trains in" in refused.stderr
