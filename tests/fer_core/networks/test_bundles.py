"""A bundle that is not what it says it is never answers."""

import json
import shutil

import pytest

from fer_core.errors import BundleError
from fer_core.networks.bundles import (
    RENAMED,
    SERVING_FILE,
    SPEC_FILE,
    bundle_names,
    default_networks,
    open_bundle,
    resolvable,
    resolve,
)
from fer_core.networks.classifier import Classifier


@pytest.fixture
def models(tmp_path, monkeypatch, cnn_bundle):
    """A bundle root of our own with a copy of the shipped network in it."""
    shutil.copytree(cnn_bundle.path, tmp_path / "cnn")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    return tmp_path


def test_bundles_are_found_by_name(models):
    (models / "no_bundle").mkdir()
    assert bundle_names() == ["cnn"]
    assert resolve("cnn").spec.labels[3] == "happy"


def test_a_spec_from_before_a_measure_was_there_opens_without_it(models):
    file = models / "cnn" / SPEC_FILE
    spec = json.loads(file.read_text())
    old = {"n", "accuracy", "macro_f1", "ece", "nll", "coverage", "selective_accuracy"}
    old |= {"per_class_recall", "n_clean", "accuracy_clean", "macro_f1_clean", "ece_clean"}
    for data, measured in spec["metrics"].items():
        spec["metrics"][data] = {key: measured[key] for key in old}
    file.write_text(json.dumps(spec))
    found = resolve("cnn").spec.metrics["fer2013:test"]
    assert found.value("accuracy") == found.accuracy
    assert found.value("macro_f1") == spec["metrics"]["fer2013:test"]["macro_f1"]
    assert found.value("ece", clean=True) == spec["metrics"]["fer2013:test"]["ece_clean"]
    assert found.value("mcc") is None
    assert found.value("nll", clean=True) is None


def test_a_spec_may_hold_measures_of_later_code_and_nothing_else(models):
    file = models / "cnn" / SPEC_FILE
    spec = json.loads(file.read_text())
    measured = spec["metrics"]["fer2013:test"]
    measured["of_tomorrow"] = 0.25
    file.write_text(json.dumps(spec))
    assert resolve("cnn").spec.metrics["fer2013:test"].value("of_tomorrow") == 0.25
    measured["of_tomorrow"] = "many"
    file.write_text(json.dumps(spec))
    with pytest.raises(BundleError, match="of_tomorrow"):
        resolve("cnn")


def test_an_unknown_name_gets_the_nearest(models):
    with pytest.raises(BundleError, match=r"'cn'.*cnn"):
        resolve("cn")


def test_a_changed_weight_file_is_refused(models):
    file = models / "cnn" / SERVING_FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        Classifier(resolve("cnn"))


def test_a_missing_weight_file_is_named(models):
    (models / "cnn" / SERVING_FILE).unlink()
    with pytest.raises(BundleError, match=rf"{SERVING_FILE} is missing"):
        Classifier(resolve("cnn"))


@pytest.mark.parametrize("name", [SPEC_FILE, SERVING_FILE])
def test_a_file_that_a_broken_disk_does_not_give_is_an_error_in_words(models, name):
    """Of this file every read at its beginning fails, also for root."""
    (models / "cnn" / name).unlink()
    (models / "cnn" / name).symlink_to("/proc/self/mem")
    with pytest.raises(BundleError, match=rf"{name} cannot be read: Input/output error"):
        Classifier(resolve("cnn"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", 0), ("temperature", None), ("labels", ["happy", "cheerful"]), ("surplus", 1)],
)
def test_a_spec_that_breaks_the_format_names_the_field(models, field, value):
    file = models / "cnn" / SPEC_FILE
    spec = json.loads(file.read_text()) | {field: value}
    file.write_text(json.dumps(spec))
    with pytest.raises(BundleError, match=field):
        open_bundle(models / "cnn")
    assert isinstance(next(iter(resolvable().values())), BundleError)


def test_a_spec_that_is_no_json_is_an_error(models):
    (models / "cnn" / SPEC_FILE).write_text("{")
    with pytest.raises(BundleError, match="not a valid bundle spec"):
        open_bundle(models / "cnn")


def test_the_shipped_files_are_small_enough_and_whole(cnn_bundle):
    files = [cnn_bundle.verify(name) for name in cnn_bundle.spec.sha256]
    assert {file.name for file in files} == {"model.keras", "model.tflite"}
    assert sum(file.stat().st_size for file in files) <= 16_000_000


def test_the_networks_that_are_asked_are_the_pair_for_photos_unless_others_are_named(monkeypatch):
    assert default_networks() == ["cnn_photos", "dual_photos"]
    monkeypatch.setenv("FER_NETWORKS", " dual, cnn,dual ,")
    assert default_networks() == ["dual", "cnn"]
    monkeypatch.setenv("FER_NETWORKS", "nobody")
    assert default_networks() == ["nobody"], "resolving it says that it is missing"


def test_a_folder_without_the_default_pair_answers_with_what_it_has(models):
    assert default_networks() == ["cnn"]
    (models / "cnn").rename(models / "my_net")
    assert default_networks() == ["my_net"]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_former_names_of_networks_mean_those_that_took_their_places(old, new):
    assert resolve(old).path == resolve(new).path
