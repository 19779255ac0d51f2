"""The card says what the spec says, in a form that the Hub's own library reads."""

import pytest
from huggingface_hub import ModelCard

from fer_core.expressions import FER2013
from fer_core.networks.bundles import (
    Bundle,
    BundleSpec,
    CalibrationSplit,
    SplitMetrics,
    TrainingData,
)
from fer_core.networks.keypoints import embedded_keypoints
from training.bundle.card import card_text, write_card
from training.bundle.keypoint_card import keypoint_card_text
from training.schema.recipe import get_recipe


def split_metrics(start):
    """Metrics of which no two are alike, so that a mix-up shows."""
    names = [
        "accuracy",
        "macro_f1",
        "ece",
        "nll",
        "coverage",
        "selective_accuracy",
        "accuracy_clean",
        "macro_f1_clean",
        "ece_clean",
    ]
    names += [*(f"{name}{suffix}" for name in ("mcc", "brier") for suffix in ("", "_clean"))]
    values = {name: round(start + 0.0123 * i, 4) for i, name in enumerate(names)}
    recall = {label: round(start + 0.031 * i, 4) for i, label in enumerate(FER2013.labels)}
    return SplitMetrics.model_validate(
        {"n": 3589, "n_clean": 3192, "per_class_recall": recall, **values}
    )


def untaught(name):
    return get_recipe(name).with_overrides(["teacher=null", "teacher_share=0"])


@pytest.fixture
def spec():
    return BundleSpec(
        name="cnn",
        title="A network",
        architecture="cnn",
        recipe=untaught("cnn").model_dump(mode="json"),
        labels=FER2013.labels,
        input_hw=(48, 48),
        pixel_range=(0, 255),
        landmark_features=None,
        parameters=1_234_567,
        temperature=0.8765,
        abstention_threshold=0.6543,
        training_data=TrainingData(source="fer2013", split="train", n=28559, note="a note"),
        backend="tensorflow 1.2.3",
        code_commit="c0ffee+changes",
        metrics={"fer2013:test": split_metrics(0.1), "fer2013:valid": split_metrics(0.5)},
        sha256={},
        license="Apache-2.0",
    )


def test_the_metadata_holds_every_split_whole_and_clean(spec):
    data = ModelCard(card_text(spec)).data
    assert (data.library_name, data.pipeline_tag) == ("keras", "image-classification")
    assert data.license == "apache-2.0"
    assert data.model_name == "cnn"
    found = {
        (r.dataset_split, r.dataset_config, r.metric_type): (r.metric_value, r.dataset_args["n"])
        for r in data.eval_results
    }
    assert len(found) == len(data.eval_results) == 16
    for name, m in spec.metrics.items():
        split = name.removeprefix("fer2013:")
        assert found[split, "all rows", "accuracy"] == (m.accuracy, 3589)
        assert found[split, "clean rows", "accuracy"] == (m.accuracy_clean, 3192)
        for kind, key in (("f1", "macro_f1"), ("matthews_correlation", "mcc"), ("ece", "ece")):
            assert found[split, "all rows", kind] == (m.value(key), 3589)
            assert found[split, "clean rows", kind] == (m.value(key, clean=True), 3192)


def test_measures_that_a_spec_is_too_old_for_are_left_out(spec):
    old = {
        name: SplitMetrics.model_validate(m.model_dump(exclude={"mcc", "mcc_clean"}))
        for name, m in spec.metrics.items()
    }
    card = ModelCard(card_text(spec.model_copy(update={"metrics": old})))
    assert "MCC" in card_text(spec)
    assert "MCC" not in card.text
    assert "matthews_correlation" not in {r.metric_type for r in card.data.eval_results}
    # Clean rows lack the log loss in this spec; their cell is empty, not left out.
    (header,) = (line for line in card.text.splitlines() if line.startswith("| split | rows"))
    rows = [line for line in card.text.splitlines() if "| all |" in line or "| clean |" in line]
    assert {line.count("|") for line in rows} == {header.count("|")}


def of_recipe(spec, name):
    recipe = untaught(name)
    return spec.model_copy(
        update={
            "name": name,
            "recipe": recipe.model_dump(mode="json"),
            "architecture": recipe.architecture.kind,
            "landmark_features": "1" if "landmarks" in recipe.architecture.inputs else None,
        }
    )


@pytest.mark.parametrize(
    ("name", "true", "false"),
    [
        (
            "cnn",
            ["48x48 grey", "No other images and no other network were used", "FaceInputs(image="],
            ["landmark features", "MediaPipe"],
        ),
        (
            "dual",
            [
                "48x48 grey",
                "2,445 landmark features",
                "the bundle `cnn`, unchanged",
                "crop_inputs(",
            ],
            ["no other network were used", "It started with random weights"],
        ),
        (
            "landmarks_only",
            ["2,445 landmark features", "first 300 principal components", "outputs logits)"],
            ["48x48 grey", "class activation maps", "activation maps show"],
        ),
    ],
)
def test_the_text_says_what_the_network_sees_and_began_with(spec, name, true, false):
    text = card_text(of_recipe(spec, name))
    assert [phrase for phrase in true if phrase not in text] == []
    assert [phrase for phrase in false if phrase in text] == []


def test_the_text_says_whose_answers_the_targets_are(spec):
    recipe = {**spec.recipe, "vote_smoothing": 0.3}
    softened = card_text(spec.model_copy(update={"recipe": recipe}))
    assert (
        "70% is the data set's own label. The other 30% are the label distribution expected from the "
        "FER+ votes" in softened
    )
    alone = card_text(spec.model_copy(update={"recipe": {**recipe, "vote_smoothing": 0.0}}))
    assert "targets are the data set's own labels" in alone
    assert "FER+" not in alone
    assert "no other network were used" in alone
    taught = {**recipe, "teacher": "dual", "teacher_share": 0.7}
    text = card_text(spec.model_copy(update={"recipe": taught}))
    assert "count for 30%; the other 70% are the teacher's predictions" in text
    assert "The teacher is the bundle `dual` of that time" in text
    assert "no other network" not in text


def test_the_text_says_how_far_rare_classes_were_favoured(spec):
    balance = {"strategy": "logit_adjustment", "focal_gamma": 2.0, "adjustment": 0.7}
    text = card_text(spec.model_copy(update={"recipe": {**spec.recipe, "balance": balance}}))
    assert "0.7 times the log class frequencies were added" in text


def test_the_text_says_which_logits_of_a_dual_network_were_corrected(spec):
    recipe = untaught("dual").with_overrides(["prior_correction=0.3"]).model_dump(mode="json")
    text = card_text(spec.model_copy(update={"recipe": recipe}))
    assert "subtracted from the logits of the second expert (post-hoc" in text


def test_a_card_of_keypoints_claims_no_split_by_person_where_persons_are_unknown():
    spec = embedded_keypoints("keypoints").spec
    measured = spec.metrics["keypoints:test"].model_copy(update={"persons": None})
    unknown = spec.model_copy(update={"metrics": {"keypoints:test": measured}})
    told, doubted = keypoint_card_text(spec), keypoint_card_text(unknown)
    assert "No person is in two splits" in told
    assert "split by person" in told
    assert "No person is in two splits" not in doubted
    assert "split by image" in doubted
    assert "Persons are unknown, so one may be in two splits" in doubted


def test_the_text_says_whose_weights_it_began_with(spec):
    text = card_text(spec.model_copy(update={"recipe": {**spec.recipe, "starts_from": "wide"}}))
    assert "It started with the weights of the bundle `wide`" in text
    assert "It started with random weights" not in text
    assert "No other images were used than these and the training images of `wide`." in text
    assert "no other network" not in text


def test_a_bundle_that_continues_itself_is_not_called_its_own_parent(spec):
    recipe = {**spec.recipe, "starts_from": spec.name}
    data = spec.training_data.model_copy(
        update={"note": f"it started from {spec.name}, sha256 fadf5fcbb796"}
    )
    text = card_text(spec.model_copy(update={"recipe": recipe, "training_data": data}))
    assert f"`{spec.name}` means its earlier weights here" in text
    assert "that bundle was replaced since, and `fit` gives other weights." in text
    assert "earlier weights" not in card_text(spec)
    assert "was replaced since" not in card_text(spec)


def test_data_sets_that_a_teacher_knew_are_not_called_unknown(spec):
    data = spec.training_data.model_copy(update={"inherited": ("expw",)})
    recipe = {**spec.recipe, "teacher": "wild", "teacher_share": 0.5}
    metrics = {**spec.metrics, "expw:test": split_metrics(0.2), "ckplus:test": split_metrics(0.3)}
    update = {"training_data": data, "recipe": recipe, "metrics": metrics}
    text = card_text(spec.model_copy(update=update))
    assert "It was not trained on CK+:" in text
    assert "No other images were used than these and the training images of `wild`." in text


def test_data_sets_whose_photos_it_learnt_elsewhere_are_not_called_unknown(spec):
    data = spec.training_data.model_copy(update={"source": "expw"})
    metrics = {name: split_metrics(0.1) for name in ("ckplus:test", "expw:test", "ferplus:test")}
    text = card_text(spec.model_copy(update={"training_data": data, "metrics": metrics}))
    assert "It was not trained on CK+:" in text
    assert (
        "no label of FER+, but on a few of its photos, because the training split of ExpW" in text
    )


def test_both_data_sets_of_a_joined_source_are_named(spec):
    data = spec.training_data.model_copy(update={"source": "fer2013+expw"})
    metrics = {**spec.metrics, "expw:test": split_metrics(0.2), "ckplus:test": split_metrics(0.3)}
    card = ModelCard(card_text(spec.model_copy(update={"training_data": data, "metrics": metrics})))
    assert card.data.datasets == ["fer2013", "expw"]
    assert "28,559 rows of FER2013 and ExpW" in card.text
    assert "clean rows of the validation split (FER2013 PublicTest)" in " ".join(card.text.split())
    assert "It was not trained on CK+:" in card.text
    assert "cropped by a face detector" in card.text
    assert "year 2013" in card.text
    softened = {**spec.recipe, "vote_smoothing": 0.5}
    text = card_text(spec.model_copy(update={"training_data": data, "recipe": softened}))
    assert "This holds for the faces of FER2013; for those of ExpW" in text


def test_the_text_holds_the_numbers_of_the_spec(spec):
    text = ModelCard(card_text(spec)).text
    for m in spec.metrics.values():
        values = [m.value(name) for name in ("macro_f1", "mcc", "nll", "ece")]
        cells = " | ".join(f"{value:.4f}" for value in values)
        assert f"| all | 3,589 | {m.accuracy:.2%} | {cells} |" in text
        assert f"| clean | 3,192 | {m.accuracy_clean:.2%} |" in text
        assert f"{m.coverage:.1%} | {m.selective_accuracy:.2%} |" in text
    for label in FER2013.labels:
        recalls = [m.per_class_recall[label] for m in spec.metrics.values()]
        assert f"| {label} | {recalls[0]:.1%} | {recalls[1]:.1%} |" in text
    for value in ("0.8765", "0.6543", "1,234,567", "28,559", "c0ffee+changes", "tensorflow 1.2.3"):
        assert value in text
    assert "PrivateTest" in text


def test_the_text_says_what_the_network_is_not_for(spec):
    text = " ".join(card_text(spec).split())
    for words in (
        "*apparent* expression",
        "work",
        "education",
        "policing",
        "medicine",
        "published for research",
        "the votes are under the MIT licence",
    ):
        assert words in text


def test_a_card_without_measurements_claims_none(spec):
    card = ModelCard(card_text(spec.model_copy(update={"metrics": {}})))
    assert not card.data.eval_results
    assert "Not measured yet." in card.text


def test_a_class_that_a_split_lacks_is_called_absent(spec):
    m = split_metrics(0.1)
    recall = {k: v for k, v in m.per_class_recall.items() if k != "neutral"}
    m = m.model_copy(update={"per_class_recall": recall})
    assert "| neutral | absent |" in card_text(spec.model_copy(update={"metrics": {"x:test": m}}))


def test_a_network_that_never_answers_says_so(spec):
    assert "It always abstains" in card_text(spec.model_copy(update={"abstention_threshold": 1.1}))


def test_where_no_face_is_covered_no_accuracy_is_claimed(spec):
    reference = CalibrationSplit(
        data="fer2013:valid",
        n=9,
        answered_accuracy=0.9,
        accuracy=0.5,
        ece=0.1,
        coverage=0.0,
        selective_accuracy=0.0,
    )
    update = {"abstention_threshold": 1.1, "references": (reference,)}
    text = card_text(spec.model_copy(update=update))
    assert "| 50.00% | 0.1000 | 90% | 0.0% | none |" in text


def test_a_network_that_always_answers_says_so_instead_of_a_threshold_of_nothing(spec):
    text = card_text(spec.model_copy(update={"abstention_threshold": 0.0}))
    assert "It never abstains" in text
    assert "0.0000" not in text


@pytest.mark.parametrize("threshold", [0.0, 0.6])
def test_the_text_names_the_accuracy_that_thresholds_are_chosen_for(spec, monkeypatch, threshold):
    monkeypatch.setattr("training.bundle.card.REQUIRED_ACCURACY", 0.9)
    assert "90% accuracy" in card_text(
        spec.model_copy(update={"abstention_threshold": threshold})
    ).replace("\n", " ")


def test_equal_specs_give_equal_files(spec, tmp_path):
    write_card(Bundle(tmp_path, spec))
    first = (tmp_path / "README.md").read_bytes()
    write_card(Bundle(tmp_path, BundleSpec.model_validate_json(spec.model_dump_json())))
    assert (tmp_path / "README.md").read_bytes() == first == card_text(spec).encode()
