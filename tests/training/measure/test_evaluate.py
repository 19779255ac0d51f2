"""Evaluation serves, records and repeats; the command line explains what went wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.evaluation.measures import MEASURES
from fer_core.evaluation.predictions import predictions_path, read_predictions
from fer_core.expressions import LABEL_SPACES
from fer_core.networks.bundles import (
    EXPRESSIONS,
    Bundle,
    BundleSpec,
    open_bundle,
    read_spec,
    resolve,
    task_of,
)
from fer_core.networks.keypoints import KeypointSpec
from fer_core.settings import models_root, shipped_models
from training.__main__ import app
from training.bundle.card import card_text
from training.bundle.staging import write_spec
from training.measure.evaluate import compare_bundles, evaluate
from training.sources import Split, load


@pytest.fixture
def generated(generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    return generated_data


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_official_split_is_recorded_and_repeats_to_the_byte(bundle, generated):
    report = evaluate(bundle, load("fer2013", Split.TEST))
    result = read_predictions(predictions_path(bundle.path, "fer2013", "test"))
    right = result.probabilities.argmax(axis=1) == result.labels
    assert report["accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    assert report["accuracy_clean"] == pytest.approx(right[6:].mean(), abs=1e-6)
    assert (report["n"], report["n_clean"]) == (42, 36)
    assert right.mean() > 0.3, "the network learnt nothing"
    recorded = open_bundle(bundle.path).spec.metrics["fer2013:test"]
    for measure in MEASURES:
        assert report[measure.name] == recorded.value(measure.name) is not None
        assert report[f"{measure.name}_clean"] == recorded.value(measure.name, clean=True)
    assert recorded.excluded == {}
    assert not {"excluded", "excluded_classes"} & set(report)
    assert f"{report['accuracy']}" in (bundle.path / "README.md").read_text()
    before = content(bundle.path)
    assert evaluate(open_bundle(bundle.path), load("fer2013", Split.TEST)) == report
    assert content(bundle.path) == before


def test_the_training_split_is_never_called_clean_and_not_recorded(bundle, generated):
    before = content(bundle.path)
    report = evaluate(bundle, load("fer2013", Split.TRAIN))
    assert report["n_clean"] == 0
    assert {report[f"{measure.name}_clean"] for measure in MEASURES} == {None}
    assert content(bundle.path) == before


@pytest.mark.parametrize(
    "learnt",
    [{"source": "ferplus+expw"}, {"source": "expw+fer2013"}, {"inherited": ("ferplus",)}],
)
def test_nor_that_of_any_data_set_that_went_in(bundle, generated, learnt):
    data = bundle.spec.training_data.model_copy(update={"source": "expw"} | learnt)
    spec = bundle.spec.model_copy(update={"training_data": data})
    report = evaluate(Bundle(bundle.path, spec), load("fer2013", Split.TRAIN))
    assert (report["n_clean"], report["accuracy_clean"]) == (0, None)


def test_a_spec_from_before_excluded_classes_were_kept_still_loads(bundle, generated):
    evaluate(bundle, load("fer2013", Split.TEST))
    spec = open_bundle(bundle.path).spec
    old = json.loads((bundle.path / "spec.json").read_text())
    del old["metrics"]["fer2013:test"]["excluded"]
    (bundle.path / "spec.json").write_text(json.dumps(old))
    assert open_bundle(bundle.path).spec == spec


@pytest.mark.parametrize(
    "folder",
    sorted(shipped_models().glob("*/spec.json")),
    ids=lambda path: path.parent.name,
)
def test_shipped_specs_and_cards_are_as_they_would_be_written_today(folder, tmp_path):
    shipped = folder.parent
    if task_of(shipped) != EXPRESSIONS:
        spec, card = read_spec(shipped, KeypointSpec), None
    else:
        spec = read_spec(shipped, BundleSpec)
        card = card_text(spec)
    write_spec(spec, tmp_path)
    assert (tmp_path / "spec.json").read_bytes() == folder.read_bytes()
    assert card in (None, (shipped / "README.md").read_text())


def face_folder(root, classes, rings):
    images, _ = rings(len(classes), 7)
    for i, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        Image.fromarray(images[i]).resize((100, 100)).save(root / name / "a.png")


def test_a_folder_leaves_the_bundle_alone_and_claims_nothing_of_copies(bundle, rings, tmp_path):
    face_folder(tmp_path / "faces", ["happy", "sadness", "contempt"], rings)
    before = content(bundle.path)
    arguments = ["evaluate", str(bundle.path), "--data", f"folder:{tmp_path / 'faces'}"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["n"] == 2
    assert report["excluded_classes"] == {"contempt": 1}
    assert set(report["per_class_recall"]) == {"happy", "sad"}
    assert {measure.name for measure in MEASURES} <= set(report)
    unknown = {key: value for key, value in report.items() if key.endswith("_clean")}
    assert {"n_clean", "accuracy_clean"} <= unknown.keys()
    assert not any(value is not None for value in unknown.values())
    assert content(bundle.path) == before


def test_labels_of_another_space_are_brought_to_the_networks_order(bundle, generated):
    from training.sources import Samples

    samples = load("fer2013", Split.TEST)
    # The five classes in another order than the seven.
    space = LABEL_SPACES["five"]
    renamed = [samples.label_space.labels[label] for label in samples.labels]
    keep = np.array([name in space.labels for name in renamed])
    labels = [space.labels.index(name) for name in renamed if name in space.labels]
    kept = samples.select(keep)
    five = Samples(
        source="folder",
        split=kept.split,
        label_space=space,
        images=kept.images,
        labels=np.array(labels),
        rows=kept.rows,
        clean=kept.clean,
        is_face=kept.is_face,
    )
    whole = evaluate(bundle, samples)
    found = evaluate(bundle, five)
    expected = {k: whole["per_class_recall"][k] for k in space.labels}
    assert found["per_class_recall"] == pytest.approx(expected)


def test_samples_of_which_no_class_is_known_are_refused(bundle, rings, tmp_path):
    face_folder(tmp_path / "faces", ["contempt"], rings)
    from training.sources import class_folders

    with pytest.raises(DataError, match=r"knows none of the classes.*contempt"):
        evaluate(bundle, class_folders.load(tmp_path / "faces"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fit", "cnm"], 2, "No recipe is called 'cnm'"),
        (["fit", "cnn", "--set", "epoch=2"], 2, "no such setting"),
        (["fit", "cnn", "--epochs", "0"], 2, "greater than or equal to 1"),
        (["evaluate", "nothing", "--data", "fer2013:test"], 2, "No network is called 'nothing'"),
        (["describe", "nothing"], 2, "No network is called 'nothing'"),
        (["publish", "nothing", "--repo", "a/b"], 2, "No network is called 'nothing'"),
        (["regenerate", "nothing"], 2, "No network is called 'nothing'"),
        (["evaluate", "some/where", "--data", "fer2013:test"], 1, "contains no spec.json"),
        (["evaluate"], 2, "Missing argument"),
    ],
)
def test_errors_are_one_message_and_an_exit_code(
    generated, tmp_path, monkeypatch, arguments, code, message
):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bundle_is_found_by_name_and_a_bad_source_is_bad_usage(bundle, generated, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    assert CliRunner().invoke(app, ["evaluate", "rings", "--data", "fer2013"]).exit_code == 0
    for data in ("fer2031:test", "fer2013:dev"):
        assert CliRunner().invoke(app, ["evaluate", "rings", "--data", data]).exit_code == 2


def test_two_bundles_are_compared_on_all_and_on_clean_rows(bundle, generated):
    before = {p: p.stat().st_mtime_ns for p in bundle.path.rglob("*")}
    arguments = ["compare", str(bundle.path), str(bundle.path), "--data", "fer2013:test"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["bundles"] == ["rings", "rings"]
    assert report["n"] == 42
    assert report["clean"]["n"] == 36
    assert report["both"] + report["neither"] == 42
    assert report["accuracies"][0] == report["accuracies"][1] == report["both"] / 42
    assert report["mcnemar_p"] == 1
    assert {p: p.stat().st_mtime_ns for p in bundle.path.rglob("*")} == before


def test_networks_of_other_classes_are_compared_on_those_that_both_know(generated):
    samples = load("fer2013", Split.TEST)
    report = compare_bundles(resolve("cnn"), resolve("resnet5"), samples)
    counts = samples.counts()
    assert report["n_left_out"] == counts["fear"] + counts["neutral"] > 0
    assert report["n"] == len(samples) - report["n_left_out"]


def test_a_comparison_without_clean_rows_is_still_json(bundle, generated):
    arguments = ["compare", str(bundle.path), str(bundle.path), "--data", "fer2013:train"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    line = result.stdout.splitlines()[-1]
    assert "NaN" not in line
    assert json.loads(line)["clean"] == {"n": 0}


def test_the_data_command_counts_and_needs_no_training_framework(generated):
    probe = (
        "import sys; from typer.testing import CliRunner; from training.__main__ import app; "
        "r = CliRunner().invoke(app, ['data']); print(r.stdout, r.stderr, r.exit_code); "
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert "fer2013:train: 210 faces, 0 no face" in found.stdout
    assert "fer2013:test: 42 faces, 36 clean" in found.stdout
    assert "angry 30, disgust 30" in found.stdout
    assert found.stdout.strip().endswith("set()")


def test_evaluation_needs_no_training_framework(bundle, generated):
    probe = (
        "import sys; from typer.testing import CliRunner; from training.__main__ import app; "
        "r = CliRunner().invoke(app, ['evaluate', sys.argv[1], '--data', 'fer2013']); "
        "print(r.exit_code, {'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", probe, str(bundle.path)]
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert found.stdout.strip() == "0 set()"


def test_without_data_the_command_says_how_to_name_it(monkeypatch):
    monkeypatch.delenv("FER_DATA", raising=False)
    result = CliRunner().invoke(app, ["data"])
    assert result.exit_code == 1
    assert "FER_DATA is not set" in result.stderr
    assert "FER_DATA" in CliRunner().invoke(app, ["--help"]).stdout


@pytest.mark.data
def test_the_shipped_network_reproduces_its_card(data_packs, tmp_path):
    import shutil

    from huggingface_hub import ModelCard

    shipped = models_root() / "cnn"
    if not (shipped / "spec.json").is_file():
        pytest.skip("models/cnn is not trained yet")
    copy = open_bundle(shutil.copytree(shipped, tmp_path / "cnn"))
    report = evaluate(copy, load("fer2013", Split.TEST))
    recorded = copy.spec.metrics["fer2013:test"].model_dump(mode="json", exclude={"excluded"})
    for name, value in recorded.items():
        assert report[name] == pytest.approx(value, abs=1e-6), name
    card = ModelCard.load(shipped / "README.md").data
    on_card = [
        r.metric_value
        for r in card.eval_results
        if (r.dataset_type, r.dataset_split, r.dataset_config, r.metric_type)
        == ("fer2013", "test", "all rows", "accuracy")
    ]
    assert on_card == [pytest.approx(report["accuracy"], abs=1e-6)]
