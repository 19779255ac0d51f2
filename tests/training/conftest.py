"""A data set that is learnt in seconds, and the bundle that a real run makes of it."""

import contextlib
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

# As the command line does, before any test imports Keras.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

#: Images a class in the generated splits.
PER_CLASS = {"Training": 30, "PublicTest": 6, "PrivateTest": 6}
#: Rows of the generated test split that are copies of training rows, every second one mirrored.
N_COPIES = 6


def ring_images(n_per_class, seed):
    """Noisy rings whose width tells the class; uint8 (7 n, 48, 48) and int labels, shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(7), n_per_class))
    y, x = np.mgrid[:48, :48]
    images = []
    for label in labels:
        centre = rng.uniform(20, 28, 2)
        radius = np.hypot(y - centre[0], x - centre[1])
        wave = 60 * np.sin(radius * (0.25 + 0.22 * label) + rng.uniform(0, 2 * np.pi))
        images.append(np.clip(127 + wave + rng.normal(0, 30, (48, 48)), 0, 255).astype(np.uint8))
    return np.stack(images), labels


def write_kaggle_csv(path, parts):
    """Write {Usage: (images, labels)} as Kaggle's fer2013.csv."""
    tables = [
        pd.DataFrame(
            {
                "emotion": labels,
                "pixels": [" ".join(map(str, image.ravel())) for image in images],
                "Usage": usage,
            }
        )
        for usage, (images, labels) in parts.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(path, index=False)


def write_votes_csv(path, parts):
    """Write FER+ votes as Microsoft's fer2013new.csv: nine for a class's own answer, one for unknown."""
    answers = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    labels = np.concatenate([labels for _, labels in parts.values()])
    votes = pd.DataFrame(9 * np.eye(7, dtype=int)[labels], columns=answers)
    votes.assign(contempt=0, unknown=1, NF=0).to_csv(path, index=False)


@pytest.fixture(scope="session")
def kaggle_csv():
    return write_kaggle_csv


@pytest.fixture(scope="session")
def rings():
    return ring_images


@pytest.fixture(scope="session")
def generated_data(tmp_path_factory):
    """A data root with a small fer2013.csv of rings, six test rows copied from the training rows."""
    parts = {
        usage: ring_images(n, seed) for seed, (usage, n) in enumerate(PER_CLASS.items(), start=1)
    }
    training, test = parts["Training"], parts["PrivateTest"]
    for i in range(N_COPIES):
        copied = training[0][i]
        test[0][i] = copied[:, ::-1] if i % 2 else copied
        test[1][i] = training[1][i]
    root = tmp_path_factory.mktemp("data")
    write_kaggle_csv(root / "fer2013" / "fer2013.csv", parts)
    write_votes_csv(root / "fer2013" / "fer2013new.csv", parts)
    return root


@pytest.fixture(scope="session")
def tiny_settings():
    """What `--set` makes of the real recipe: its every part, at a size that trains in seconds."""
    return [
        "architecture.widths=[4,8]",
        "architecture.depths=[1,2]",
        "architecture.dropout=0.1",
        "batch_size=64",
        "ema_momentum=0.8",
        "optimizer.warmup_epochs=0.5",
        "dtype_policy=float32",
        "teacher=null",
        "teacher_share=0",
        "restarts=[2]",
        "augment.shift_pixels=2",
        "refinement.epochs=1",
        "refinement.augment.shift_pixels=1",
    ]


@pytest.fixture(scope="session")
def tiny_recipe(tiny_settings):
    from training.schema.recipe import get_recipe

    return get_recipe("cnn").with_overrides([*tiny_settings, "epochs=4"])


@contextlib.contextmanager
def steps_without_graphs():
    """Have TensorFlow run each step as it is written: a graph pays off after some ten steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def without_graphs():
    with steps_without_graphs():
        yield


@pytest.fixture(scope="session")
def eagerly():
    """For fixtures that several tests share."""
    return steps_without_graphs


@pytest.fixture(scope="session")
def finished_run(tiny_recipe, generated_data, shared_folder):
    """An unbroken run of the tiny recipe: its folder with the state still in it, and its result.

    One process trains; the others read what it left.
    """
    from training.loop.fit import fit

    folder = shared_folder / "finished_run" / "rings"
    with FileLock(shared_folder / "finished_run.lock"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_DATA", str(generated_data))
        return folder, fit(tiny_recipe, folder, resume=folder.exists())


@pytest.fixture(scope="session")
def finished_bundle(request, tiny_recipe, generated_data, shared_folder):
    """The bundle of that run. Read only: tests that write take `bundle`."""
    from fer_core.networks.bundles import open_bundle

    out = shared_folder / "finished_bundle" / "rings"
    with FileLock(shared_folder / "finished_bundle.lock"), pytest.MonkeyPatch.context() as patch:
        if out.exists():
            return open_bundle(out)
        from training.bundle.make import make_bundle

        # Only for who makes it: to read a run takes as long as to train.
        folder, result = request.getfixturevalue("finished_run")
        patch.setenv("FER_DATA", str(generated_data))
        shutil.copytree(folder, out)
        return make_bundle(result, tiny_recipe, out)


@contextlib.contextmanager
def converted_as(content):
    """Take one LiteRT file for all networks of its form; converting has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.bundle.export._convert", lambda *_, **__: content)
        patch.setattr("training.bundle.export._largest_difference", lambda *_: 0.0)
        yield


@pytest.fixture(scope="session")
def quickly_exported(finished_bundle):
    """For fixtures that several tests share; networks have the form of the finished bundle's."""
    content = finished_bundle.serving_file.read_bytes()
    return lambda: converted_as(content)


@pytest.fixture
def quick_export(quickly_exported):
    with quickly_exported():
        yield


@pytest.fixture
def bundle(finished_bundle, tmp_path):
    """A copy of the finished bundle that a test may change."""
    from fer_core.networks.bundles import open_bundle

    return open_bundle(Path(shutil.copytree(finished_bundle.path, tmp_path / "rings")))


@pytest.fixture(scope="session")
def data_packs():
    """The folder of the real data packs; the test is skipped without it."""
    root = os.environ.get("FER_DATA")
    if not root or not (Path(root) / "fer2013" / "train.parquet").is_file():
        pytest.skip("FER_DATA names no folder with the FER2013 pack")
    return Path(root)


@pytest.fixture(scope="session")
def real_splits(data_packs):
    """The three official splits of the real FER2013, read once."""
    from training.sources import Split, fer2013

    return {split: fer2013.load(data_packs, split) for split in Split}
