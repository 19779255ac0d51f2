"""Networks that are chosen by other labels than those of their own source, and never by a test split."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from fer_core.evaluation.metrics import coverage_and_accuracy, ece
from fer_core.networks.bundles import HISTORY_FILE
from fer_core.networks.classifier import Classifier
from fer_core.networks.softmax import softmax
from training.bundle.card import card_text
from training.errors import TrainingError
from training.schema.recipe import Recipe, SelectionSplit, differences, get_recipe, recipe_names
from training.sources import Split, load
from training.sources.expw import NAME as EXPW
from training.tasks.expressions import selection_rows

REFERENCES = (
    SelectionSplit(data="ferplus:valid", answered_accuracy=0.3),
    SelectionSplit(data="fer2013:valid", answered_accuracy=0.2),
)


@pytest.fixture(scope="module")
def selected(tiny_recipe, generated_data, tmp_path_factory, eagerly):
    """The bundle of a short run that two validation splits chose."""
    from training.experiments.run import train

    recipe = tiny_recipe.model_copy(
        update={"selection": REFERENCES, "epochs": 3, "restarts": (), "refinement": None}
    )
    folder = tmp_path_factory.mktemp("selected") / "rings"
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_DATA", str(generated_data))
        train(recipe, folder)
    from fer_core.networks.bundles import open_bundle

    return open_bundle(folder)


@pytest.fixture(autouse=True)
def _data(generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))


def test_epochs_are_compared_by_the_mean_over_the_references(selected):
    history = pd.read_csv(selected.path / HISTORY_FILE)
    parts = history[["val_accuracy_ferplus", "val_accuracy_fer2013"]]
    np.testing.assert_allclose(history["val_accuracy"], parts.mean(axis=1))
    # The kept epoch is the best one: the serving file reaches its accuracies.
    best = history["val_accuracy"].iloc[::-1].idxmax()
    for reference in selected.spec.references:
        expected = history.loc[best, f"val_accuracy_{reference.source}"]
        assert reference.accuracy == pytest.approx(expected, abs=1 / reference.n + 1e-6)


def test_the_threshold_satisfies_every_reference_and_the_spec_says_how(selected):
    spec = selected.spec
    assert [r.data for r in spec.references] == ["ferplus:valid", "fer2013:valid"]
    for reference in spec.references:
        rows = load(reference.source, Split.VALID)
        rows = rows.select(rows.clean).within(load("fer2013", Split.VALID).label_space)
        logits, _ = Classifier(selected).logits(rows.images)
        p = softmax(logits, temperature=spec.temperature)
        coverage, accuracy = coverage_and_accuracy(rows.labels, p, spec.abstention_threshold)
        assert reference.n == len(rows)
        assert reference.coverage == pytest.approx(coverage)
        assert reference.ece == pytest.approx(ece(rows.labels, p))
        assert coverage > 0
        assert reference.selective_accuracy == pytest.approx(accuracy)
        assert accuracy >= reference.answered_accuracy


def test_the_card_names_what_it_was_chosen_on(selected):
    assert "| FER+ PublicTest | 42 |" in card_text(selected.spec)
    names = "FER+ PublicTest (validation) and FER2013 PublicTest (validation)"
    assert selected.spec.chosen_on == names


@pytest.mark.parametrize(
    "data", ["expw:test", "ferplus:train", "ckplus:valid", "nobody:valid", "expw"]
)
def test_only_validation_splits_choose(data):
    with pytest.raises(ValidationError, match="SOURCE:valid"):
        SelectionSplit(data=data)


def test_no_recipe_is_chosen_on_a_test_split(data_packs, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(data_packs))
    recipe = get_recipe("cnn_photos")
    assert isinstance(recipe, Recipe)
    chosen_on = selection_rows(recipe)
    ferplus = chosen_on["ferplus"].rows
    # PublicTest's rows of fer2013.csv; PrivateTest's begin at 32,298.
    assert (ferplus.min(), ferplus.max()) >= (28_709, 28_709)
    assert ferplus.max() < 32_298
    split = pd.read_parquet(data_packs / EXPW / "all64.parquet", columns=["split"])["split"]
    assert set(split.iloc[chosen_on[EXPW].rows]) == {"valid"}
    assert all(rows.clean.all() for rows in chosen_on.values())
    for name in recipe_names():
        for reference in getattr(get_recipe(name), "selection", None) or ():
            assert reference.data.endswith(":valid")


def test_a_selection_is_recorded_where_there_is_one_alone(tiny_recipe):
    plain = tiny_recipe.model_dump(mode="json")
    assert not {"selection", "added_teacher_share"} & plain.keys()
    assert "sharpness" not in plain["augment"]
    chosen = tiny_recipe.model_copy(update={"selection": REFERENCES}).model_dump(mode="json")
    assert list(differences(chosen, plain)) == ["selection"]
    assert differences(plain, chosen) == {"selection": None}


def test_a_teacher_of_a_second_data_set_goes_with_its_labels(tiny_recipe):
    with pytest.raises(ValidationError, match=r"data\.added=labelled"):
        Recipe.model_validate(
            tiny_recipe.model_dump() | {"teacher": "cnn", "added_teacher_share": 0.5}
        )


def test_two_inputs_start_only_from_a_bundle_of_the_same_classes(data_packs, monkeypatch):
    from training.tasks.initial_weights import start
    from training.tasks.parents import parents_of

    recipe = get_recipe("dual").with_overrides(["starts_from=resnet5"])
    rows = load("fer2013", Split.VALID)
    with pytest.raises(TrainingError, match="names the same"):
        start(recipe, recipe.architecture.build(7), rows, parents_of(recipe))
