"""The folder for a machine with only JAX: what is in it, and what it refuses."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import training.gpu
from fer_core.errors import DataError
from fer_core.faces.landmarks import FEATURE_SIZE
from training.campaign.plan import Campaign, PlannedRun, get_campaign, splits_to_predict
from training.campaign.profile import Profile
from training.errors import TrainingError
from training.gpu.prepare import (
    WHEELS,
    _beside_the_data,
    _copy_without_test_rows,
    _pinned_versions,
    prepare,
)
from training.schema.recipe import SelectionSplit, get_recipe
from training.sources.fer2013 import _VOTES
from training.sources.landmark_cache import with_landmarks
from training.tasks.expressions import selection_rows, training_rows

PACK = ("train.parquet", "valid.parquet", "test.parquet", "leaks.csv")


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A data root with files of the pack's names; preparing does not read them."""
    folder = tmp_path / "data" / "fer2013"
    folder.mkdir(parents=True)
    for name in PACK:
        (folder / name).write_bytes(name.encode() * 1000)
    monkeypatch.setenv("FER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def small_packs(tmp_path, monkeypatch):
    """A data root with packs of FER2013 and ExpW that have a few faces of noise in each split."""
    root = tmp_path / "data"
    rng = np.random.default_rng(0)

    def faces(side):
        for _ in range(21):
            buffer = io.BytesIO()
            image = rng.integers(0, 256, (side, side), dtype=np.uint8)
            Image.fromarray(image).save(buffer, "PNG")
            yield buffer.getvalue()

    def pack(side):
        return pd.DataFrame({"image": list(faces(side)), "label": np.arange(21, dtype=np.int8) % 7})

    (root / "fer2013").mkdir(parents=True)
    for split in ("train", "valid", "test"):
        votes = dict.fromkeys(_VOTES, 0) | {"happiness": 10}
        table = pack(48).assign(index=np.arange(21), **votes)
        table.to_parquet(root / "fer2013" / f"{split}.parquet")
    pd.DataFrame({"index": [], "kind": []}).to_csv(root / "fer2013" / "leaks.csv", index=False)
    (root / "expw").mkdir()
    splits = np.repeat(["train", "valid", "test"], 7)
    table = pack(64).assign(split=splits, name=[f"{i}.jpg" for i in range(21)])
    table.to_parquet(root / "expw" / "all64.parquet")
    monkeypatch.setenv("FER_DATA", str(root))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    return root


@pytest.fixture
def found_at_once(monkeypatch):
    """Landmarks of any image without MediaPipe."""

    @contextlib.contextmanager
    def finding():
        yield lambda images: np.ones((len(images), FEATURE_SIZE), np.float16)

    monkeypatch.setattr("training.sources.landmark_cache.finding_landmarks", finding)


@pytest.fixture
def none_can_be_found(found_at_once, monkeypatch):
    """Return a function after which landmarks can only be read from the cache of a prepared folder."""

    def there(out):
        monkeypatch.setenv("FER_CACHE", str(out / "cache"))
        monkeypatch.setattr(
            "training.sources.landmark_cache.finding_landmarks",
            lambda: pytest.fail("landmarks are missing"),
        )

    return there


def untaught(name, *settings):
    return get_recipe(name).with_overrides(["teacher=null", "teacher_share=0", *settings])


def test_it_holds_code_and_data_but_no_test_split(pack, tmp_path):
    out = tmp_path / "gpu"
    prepare([untaught("cnn")], out, wheels=False)
    assert {path.name for path in out.iterdir()} == {"code", "data", "run.sh"}
    copied = {path.name for path in (out / "data" / "fer2013").iterdir()}
    assert copied == set(PACK) - {"test.parquet"}
    assert (out / "data" / "fer2013" / "train.parquet").read_bytes() == (
        pack / "train.parquet"
    ).read_bytes()
    assert os.access(out / "run.sh", os.X_OK)
    assert not list(out.rglob("__pycache__"))
    probe = "import training.__main__, training.loop.fit; print(training.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=out / "code",
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(out))
    with pytest.raises(TrainingError, match="exists"):
        prepare([untaught("cnn")], out, wheels=False)


def test_code_that_is_too_large_is_refused_and_leaves_nothing(pack, tmp_path):
    with pytest.raises(TrainingError, match=r"more than 0\.1 MB: .*Leave recipes out"):
        prepare([untaught("cnn")], tmp_path / "gpu", wheels=False, limit_mb=0.1)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_data_that_one_transfer_cannot_hold_goes_into_further_ones(pack, tmp_path):
    (pack / "train.parquet").write_bytes(bytes(2_000_000))
    (pack / "valid.parquet").write_bytes(bytes(1_500_000))
    made = prepare([untaught("cnn")], tmp_path / "gpu", wheels=False, limit_mb=3.3)
    assert [path.name for path in made] == ["gpu", "gpu-2"]
    first, second = ({p.relative_to(out) for p in out.rglob("*") if p.is_file()} for out in made)
    assert second == {Path("data/fer2013/train.parquet")}
    assert Path("data/fer2013/valid.parquet") in first
    assert Path("run.sh") in first
    shutil.rmtree(made[0])
    with pytest.raises(TrainingError, match="gpu-2 exists"):
        prepare([untaught("cnn")], tmp_path / "gpu", wheels=False)


def test_a_campaign_goes_along_with_the_logits_that_are_there(pack, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    kept = tmp_path / "models" / "teachers" / "rehearsal"
    kept.mkdir(parents=True)
    for name in ("gpu_1.parquet", "ensemble.json", "unplanned.parquet"):
        (kept / name).write_bytes(b"kept")
    prepare([], tmp_path / "gpu", campaigns=[get_campaign("rehearsal")], wheels=False)
    there = tmp_path / "gpu" / "code" / "models" / "teachers" / "rehearsal"
    assert {path.name for path in there.iterdir()} == {"gpu_1.parquet", "ensemble.json"}
    assert (tmp_path / "gpu" / "data" / "fer2013" / "train.parquet").is_file()


def test_expw_goes_along_without_its_test_rows(tmp_path):
    table = pd.DataFrame({"label": [0, 1, 2], "split": ["train", "test", "valid"]})
    table.to_parquet(tmp_path / "all64.parquet")
    _copy_without_test_rows(tmp_path / "all64.parquet", tmp_path / "copy.parquet")
    assert pd.read_parquet(tmp_path / "copy.parquet")["label"].tolist() == [0, 2]


def test_recipes_that_need_what_is_not_there_are_refused(pack, tmp_path):
    (pack / "valid.parquet").unlink()
    with pytest.raises(DataError, match=r"valid\.parquet is not there"):
        prepare([untaught("cnn")], tmp_path / "gpu", wheels=False)


def test_landmarks_and_the_trunk_go_along_with_a_recipe_that_needs_them(
    small_packs, none_can_be_found, tmp_path
):
    recipe = untaught("dual")
    prepare([recipe], tmp_path / "gpu", wheels=False)
    none_can_be_found(tmp_path / "gpu")
    training_rows(recipe)
    selection_rows(recipe)
    trunk = tmp_path / "gpu" / "code" / "models" / "cnn"
    assert {path.name for path in trunk.iterdir()} == {"spec.json", "model.keras"}


def test_the_bundle_that_a_recipe_starts_from_goes_along(pack, tmp_path):
    prepare([untaught("cnn", "starts_from=cnn")], tmp_path / "gpu", wheels=False)
    start = tmp_path / "gpu" / "code" / "models" / "cnn"
    assert {path.name for path in start.iterdir()} == {"spec.json", "model.keras"}


def test_landmarks_of_added_faces_and_of_the_selection_go_along(
    small_packs, none_can_be_found, tmp_path
):
    """ExpW's training faces have theirs in FER2013's cache, where they may lack; the others in ExpW's."""
    recipe = untaught("landmarks_only", "data.source=fer2013+expw").model_copy(
        update={
            "selection": (SelectionSplit(data="ferplus:valid"), SelectionSplit(data="expw:valid"))
        }
    )
    training_rows(untaught("landmarks_only"))
    prepare([recipe], tmp_path / "gpu", wheels=False)
    none_can_be_found(tmp_path / "gpu")
    added = training_rows(recipe)[0]
    assert added.landmarks[added.added].all()
    assert selection_rows(recipe).keys() == {"ferplus", "expw"}


@pytest.mark.parametrize("added", ["thinned", "labelled"])
def test_added_faces_are_known_without_the_test_split(small_packs, tmp_path, monkeypatch, added):
    settings = ["data.source=fer2013+expw"] + (
        ["data.added=labelled"] if added == "labelled" else []
    )
    recipe = untaught("cnn", *settings)
    expected = training_rows(recipe)[0]
    prepare([recipe], tmp_path / "gpu", wheels=False)
    monkeypatch.setenv("FER_DATA", str(tmp_path / "gpu" / "data"))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "gpu" / "cache"))
    there = training_rows(recipe)[0]
    np.testing.assert_array_equal(there.rows, expected.rows)
    assert there.added.sum() == expected.added.sum() > 0
    shutil.rmtree(tmp_path / "gpu" / "cache")
    with pytest.raises(DataError):
        training_rows(recipe)


def test_landmarks_of_all_rows_that_a_teacher_predicts_go_along(
    small_packs, none_can_be_found, tmp_path
):
    teacher = PlannedRun(
        name="few",
        recipe="landmarks_only",
        overrides=("teacher=null", "teacher_share=0", "data.rows=3"),
        profile=Profile.GPU,
    )
    campaign = Campaign(
        name="few",
        title="Few rows",
        data="fer2013",
        references=(SelectionSplit(data="fer2013:valid"),),
        teachers=(teacher,),
    )
    prepare([], tmp_path / "gpu", campaigns=[campaign], wheels=False)
    none_can_be_found(tmp_path / "gpu")
    for samples in splits_to_predict(campaign).values():
        assert with_landmarks(samples).landmarks.all()


def test_the_start_and_the_trunk_of_a_recipe_both_go_along(small_packs, found_at_once, tmp_path):
    """A trunk keeps the weights of its bundle, whatever the rest of the network starts from."""
    prepare([untaught("dual", "starts_from=dual")], tmp_path / "gpu", wheels=False)
    models = tmp_path / "gpu" / "code" / "models"
    for name in ("cnn", "dual"):
        there = {path.name for path in (models / name).iterdir()}
        assert there == {"spec.json", "model.keras"}


def test_every_wheel_is_pinned():
    assert set(WHEELS) <= set(_pinned_versions())


def lacking():
    """Modules of what is installed here and run.sh neither asks for nor gets with what it asks for."""
    script = Path(training.gpu.__file__).with_name("run.sh").read_text()
    needed = re.search(r'needed = "(.*)"', script)[1].split()
    by_module = metadata.packages_distributions()
    there, open_ones = set(), [name for module in needed for name in by_module[module]]
    while open_ones:
        if (name := canonicalize_name(open_ones.pop())) in there:
            continue
        there.add(name)
        requirements = map(Requirement, metadata.requires(name) or [])
        open_ones += [r.name for r in requirements if not r.marker or r.marker.evaluate()]
    return {
        module
        for module, names in by_module.items()
        if not there & {canonicalize_name(name) for name in names}
    }


@pytest.mark.slow
def test_training_needs_none_of_what_such_a_machine_lacks(
    bundle, generated_data, tmp_path, monkeypatch
):
    """All that is imported up to the first step of a recipe with a teacher, other packages hidden."""
    pytest.importorskip("jax")
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    settings = [
        *("architecture.widths=[4]", "architecture.depths=[1]"),
        *("teacher=rings", "teacher_share=0.5"),
    ]
    there = tmp_path / "there"
    for file, place in _beside_the_data(get_recipe("cnn").with_overrides(settings)).items():
        (there / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, there / place)
    assert [path.name for path in (there / "code/models/rings").iterdir()] == ["spec.json"]
    hidden = lacking()
    assert {"tensorflow", "mediapipe", "huggingface_hub", "streamlit"} <= hidden
    program = f"""
import sys
class Hidden:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"{{name}} is hidden", name=name)
sys.meta_path.insert(0, Hidden())
import training.__main__, training.loop.callbacks, training.loop.interrupts
import training.experiments.run, training.campaign.run, training.campaign.outbox
from training.schema.recipe import get_recipe
from training.tasks.of_recipe import task_of
from training.tasks.parents import parents_of
recipe = get_recipe("cnn").with_overrides({settings!r})
task = task_of(recipe, parents_of(recipe))
print(task.phases[0].enter(task.network).predict_on_batch(task.train[0][0]).shape)
"""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "FER_MODELS": str(there / "code/models"),
            "FER_CACHE": str(there / "cache"),
        },
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1] == "(128, 7)"
