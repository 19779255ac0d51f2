"""The same recipe under every backend that is installed, on one device and on several."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from training.bundle.make import make_bundle
from training.devices import in_shares
from training.loop.fit import fit
from training.loop.run_folder import CHECKPOINT_FOLDER, STATE_FILE
from training.schema.recipe import get_recipe
from training.tasks import expressions
from training.tasks.of_recipe import task_of
from training.tasks.parents import Parents

BACKENDS = [
    name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name) is not None
]
#: JAX spends most of these tests compiling.
FAST_COMPILER = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
needs_jax = pytest.mark.skipif("jax" not in BACKENDS, reason="JAX is not installed")

#: Two steps on the first batches, with weights that the first backend leaves for the others, and with
#: nothing that is drawn at random: backends draw differently from one seed.
TWO_STEPS = """
import json, sys
from pathlib import Path
import keras
from training.loop.fit import _compiled, _optimizer
from training.schema.recipe import get_recipe
from training.tasks.of_recipe import task_of
from training.tasks.parents import parents_of

weights, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
recipe = get_recipe("cnn").with_overrides(settings)
task = task_of(recipe, parents_of(recipe))
if weights.exists():
    task.network.load_weights(weights)
else:
    task.network.save_weights(weights)
optimizer = _optimizer(recipe, task.network, steps_per_epoch=len(task.train))
model = _compiled(task.phases[0].enter(task.network), task, optimizer)
losses = [float(model.train_on_batch(*task.train[step])[0]) for step in (0, 1)]
print(json.dumps(losses))
"""

#: A whole run; with "held" its data is on the device, as where there is an accelerator.
WHOLE_RUN = """
import json, sys
from pathlib import Path
import training.tasks.expressions
from training.loop.fit import fit
from training.schema.recipe import get_recipe

out, settings, *held = sys.argv[1:]
if held:
    training.tasks.expressions.has_accelerator = lambda: True
result = fit(get_recipe("cnn").with_overrides(json.loads(settings)), Path(out))
print(json.dumps(result.history[["loss", "val_loss", "val_accuracy"]].to_numpy().tolist()))
"""


@pytest.fixture
def still_settings(tiny_settings):
    amounts = ("rotate_degrees", "zoom", "shift_pixels", "gamma", "erase_probability")
    return [
        *tiny_settings,
        "augment.flip=false",
        "architecture.dropout=0",
        *(f"augment.{name}=0" for name in amounts),
        "refinement=null",
    ]


def short(settings):
    """One phase and batches of one size: JAX compiles its steps for every other one again."""
    return [*settings, "refinement=null", "restarts=[]", "epochs=2", "batch_size=70"]


@pytest.fixture
def short_settings(tiny_settings):
    return short(tiny_settings)


def child(backend, program, *arguments, data, flags=""):
    """Run a program under a backend; return what it printed last, read as JSON."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "FER_DATA": str(data),
        "XLA_FLAGS": f"{FAST_COMPILER} {flags}",
    }
    finished = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.skipif(len(BACKENDS) < 2, reason="one backend is installed")
def test_two_steps_are_the_same_on_every_backend(still_settings, generated_data, tmp_path):
    losses = [
        child(
            backend,
            TWO_STEPS,
            tmp_path / "start.weights.h5",
            json.dumps(still_settings),
            data=generated_data,
        )
        for backend in BACKENDS
    ]
    first, second = np.array(losses).T
    np.testing.assert_allclose(first, first[0], atol=1e-3)
    np.testing.assert_allclose(second, second[0], atol=1e-2)
    assert abs(first[0] - second[0]) > 1e-4, "nothing was learnt in between"


@pytest.mark.slow
@pytest.mark.release
def test_data_on_the_device_changes_nothing(short_settings, generated_data, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    recipe = get_recipe("cnn").with_overrides(short_settings)
    from_host = fit(recipe, tmp_path / "host").history
    with monkeypatch.context() as patch:
        patch.setattr(expressions, "has_accelerator", lambda: True)
        on_device = fit(recipe, tmp_path / "device").history
        assert set(task_of(recipe, Parents()).train[0][0]) == {"row"}
        mixed = task_of(recipe.with_overrides(["augment.mixup_alpha=0.2"]), Parents())
    np.testing.assert_allclose(
        on_device[["loss", "val_loss"]], from_host[["loss", "val_loss"]], atol=1e-4
    )
    assert set(mixed.train[0][0]) == {"image"}, "mixup is done where batches are made"
    # A run that began with its data on the device goes on where there is no such device.
    longer = recipe.with_overrides(["epochs=3"])
    resumed = fit(longer, tmp_path / "device", resume=True, change_settings=True).history
    assert resumed["epoch"].tolist() == [1, 2, 3]
    state = tmp_path / "device" / CHECKPOINT_FOLDER / STATE_FILE
    assert state.stat().st_size < 210 * 48 * 48, "the state holds the images"


@pytest.fixture(scope="module")
def under_jax(tiny_settings, generated_data, tmp_path_factory):
    """A run under JAX on one device: its folder and its figures."""
    out = tmp_path_factory.mktemp("jax") / "rings"
    return out, child("jax", WHOLE_RUN, out, json.dumps(short(tiny_settings)), data=generated_data)


@needs_jax
@pytest.mark.slow
def test_a_run_under_jax_is_finished_under_tensorflow(
    under_jax, short_settings, generated_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    folder, figures = under_jax
    out = tmp_path / "rings"
    shutil.copytree(folder, out)
    recipe = get_recipe("cnn").with_overrides(short_settings)
    resumed = fit(recipe, out, resume=True)
    state = Path(CHECKPOINT_FOLDER, STATE_FILE)
    assert (out / state).read_bytes() == (folder / state).read_bytes(), "it was trained again"
    assert resumed.backend.startswith("jax ")
    inputs, targets = task_of(recipe, Parents()).valid["fer2013"][0]
    answers = resumed.network.predict_on_batch(inputs["image"].astype(np.float32))
    accuracy = (answers.argmax(axis=1) == targets.argmax(axis=1)).mean()
    assert accuracy == pytest.approx(max(figure[2] for figure in figures))
    assert make_bundle(resumed, recipe, out).spec.backend == resumed.backend


@needs_jax
@pytest.mark.slow
@pytest.mark.release
def test_two_devices_give_what_one_gives(under_jax, short_settings, generated_data, tmp_path):
    """The second run has its data on the devices as well; the CPU stands for two of them."""
    _, figures = under_jax
    shared = child(
        "jax",
        WHOLE_RUN,
        tmp_path,
        json.dumps(short_settings),
        "held",
        data=generated_data,
        flags="--xla_force_host_platform_device_count=2",
    )
    np.testing.assert_allclose(shared, figures, atol=1e-3)


def test_batches_are_filled_up_to_equal_shares(samples_in_order):
    whole = in_shares(samples_in_order, 1)
    assert whole is samples_in_order
    shares = in_shares(samples_in_order, 4)
    assert len(shares) == len(whole)
    first, last = shares[0], shares[len(shares) - 1]
    np.testing.assert_array_equal(first[0]["row"], whole[0][0]["row"])
    assert last[0]["row"].tolist() == [8, 9, 8, 9]
    assert last[1].tolist() == [8, 9, 8, 9]
    shares.shuffle(0, 3)
    assert samples_in_order.shuffled == (0, 3)


@pytest.fixture
def samples_in_order():
    class Batches(keras.utils.PyDataset):
        shuffled = None

        def __len__(self):
            return 2

        def __getitem__(self, step):
            rows = np.arange(8) if step == 0 else np.arange(8, 10)
            return {"row": rows}, rows

        def shuffle(self, seed, epoch):
            self.shuffled = (seed, epoch)

    return Batches()
