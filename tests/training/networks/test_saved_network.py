"""A Keras file is small, and one by strangers is opened without the code that it may bring along."""

from pathlib import Path

import numpy as np
import pytest

from fer_core.networks.bundles import BundleSpec, open_bundle, sha256_of
from tests.conftest import PROJECT
from training.bundle.staging import write_spec
from training.errors import TrainingError
from training.experiments.run import describe
from training.networks.saved_network import open_network, save_network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle whose Keras file has a Lambda layer, and whose spec vouches for it."""
    import keras

    inputs = keras.Input((48, 48, 1), name="image")
    outputs = keras.layers.Lambda(lambda x: 2 * x)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    shipped = open_bundle(PROJECT / "models" / "cnn").spec.model_dump()
    shipped["sha256"] = {"model.keras": sha256_of(tmp_path / "model.keras")}
    write_spec(BundleSpec(**shipped), tmp_path)
    return tmp_path


def test_weights_are_stored_as_they_are_in_fewer_bytes(tmp_path: Path):
    import keras

    bundle = open_bundle(PROJECT / "models" / "cnn")
    network = open_network(bundle)
    written = tmp_path / "model.keras"
    save_network(network, written)
    again = keras.models.load_model(written, compile=False)
    assert again.get_config() == network.get_config()
    for before, after in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    n_bytes = sum(weights.nbytes for weights in network.get_weights())
    # Half of the bits of rounded weights are zeros; without the filter it is 0.58.
    assert written.stat().st_size < 0.48 * n_bytes


def test_code_in_a_keras_file_is_refused(folder: Path):
    for opening in (lambda: open_network(open_bundle(folder)), lambda: describe(folder)):
        with pytest.raises(TrainingError, match=r"model\.keras is refused: it holds code"):
            opening()


def test_what_is_no_network_is_refused(folder: Path):
    (folder / "model.keras").write_bytes(b"no zip")
    spec = open_bundle(folder).spec
    changed = {"model.keras": sha256_of(folder / "model.keras")}
    write_spec(spec.model_copy(update={"sha256": changed}), folder)
    with pytest.raises(TrainingError, match="refused"):
        open_network(open_bundle(folder))
