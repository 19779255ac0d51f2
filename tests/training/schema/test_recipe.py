"""Recipes are values: found by name, changed only by settings that exist, and kept whole as JSON."""

import json

import pytest

from fer_core.errors import UnknownNameError
from training import sources
from training.schema.recipe import differences, get_recipe, recipe_names
from training.sources import keypoints


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_goes_by_its_modules_name_and_survives_json(name):
    recipe = get_recipe(name)
    assert recipe.name == name
    assert recipe.data.source == keypoints.NAME or sources.is_known(recipe.data.source)
    assert (
        type(recipe).model_validate(json.loads(json.dumps(recipe.model_dump(mode="json"))))
        == recipe
    )


def test_a_setting_that_came_later_changes_no_earlier_record():
    recipe = get_recipe("stacked_cnn")
    # As the finished runs of the studies recorded it; the same settings must give the same line.
    assert "starts_from" not in recipe.model_dump(mode="json")
    warm = recipe.with_overrides(["starts_from=cnn"])
    recorded = warm.model_dump(mode="json")
    assert type(recipe).model_validate(recorded) == warm
    assert differences(recorded, recipe.model_dump(mode="json")) == {"starts_from": "cnn"}
    assert differences(recipe.model_dump(mode="json"), recorded) == {"starts_from": None}
    wild = recipe.with_overrides(["data.source=fer2013+expw", "data.added=labelled"])
    both = [r.model_dump(mode="json")["data"] for r in (recipe, wild)]
    assert "added" not in both[0]
    assert differences({"data": both[0]}, {"data": both[1]})["data.added"] is None


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"'cnm'.*cnn"):
        get_recipe("cnm")


@pytest.mark.parametrize(
    ("assignment", "read", "value"),
    [
        ("epochs=3", lambda r: r.epochs, 3),
        ("optimizer.peak_learning_rate=5e-3", lambda r: r.optimizer.peak_learning_rate, 0.005),
        ("augment.flip=false", lambda r: r.augment.flip, False),
        ("augment.erase_side=[0.2, 0.3]", lambda r: r.augment.erase_side, (0.2, 0.3)),
        ("dtype_policy=float32", lambda r: r.dtype_policy, "float32"),
        ("title=a = b", lambda r: r.title, "a = b"),
    ],
)
def test_an_override_reaches_its_setting_and_no_other(assignment, read, value):
    recipe = get_recipe("cnn")
    changed = recipe.with_overrides([assignment])
    assert read(changed) == value
    assert read(recipe) != value, "the recipe itself was changed"
    differing = [k for k in type(recipe).model_fields if getattr(changed, k) != getattr(recipe, k)]
    assert differing == [assignment.split("=")[0].split(".")[0]]


def test_the_last_of_several_overrides_counts():
    assert get_recipe("cnn").with_overrides(["epochs=3", "epochs=5"]).epochs == 5


@pytest.mark.parametrize(
    "assignment",
    ["epoch=3", "optimizer.rate=1", "epochs", "epochs.x=1", "=3", "optimizer.momentum.x=1", ""],
)
def test_a_setting_that_does_not_exist_is_named(assignment):
    with pytest.raises(UnknownNameError, match="no such setting"):
        get_recipe("cnn").with_overrides([assignment])


def test_a_recipe_keeps_its_name_by_which_the_record_of_runs_finds_it():
    with pytest.raises(UnknownNameError, match=r"--set name=mine: .* --out"):
        get_recipe("cnn").with_overrides(["name=mine"])


@pytest.mark.parametrize(
    ("assignment", "field"),
    [
        ("epochs=many", "epochs"),
        ("epochs=0", "epochs"),
        ("batch_size=-1", "batch_size"),
        ("augment.crop_pixels=64", "augment.crop_pixels"),
        ("architecture.widths=[8]", "architecture.cnn"),
        ("optimizer=3", "optimizer"),
        ("restarts=[30, 20]", "restarts"),
        ("vote_smoothing=0.6", "vote_smoothing"),
        ("label_smoothing=2", "label_smoothing"),
        ("ema_momentum=1.5", "ema_momentum"),
        ("dtype_policy=float8", "dtype_policy"),
        ("seed=-4", "seed"),
        ("seed=5000000000", "seed"),
        ("augment.erase_probability=50", "augment.erase_probability"),
        ("augment.erase_side=[0.4, 0.1]", "augment.erase_side"),
        ("augment.zoom=1.5", "augment.zoom"),
        ("optimizer.peak_learning_rate=-1", "optimizer.sgd.peak_learning_rate"),
        ("architecture.dropout=1.5", "architecture.cnn.dropout"),
    ],
)
def test_a_value_that_a_setting_refuses_names_the_setting(assignment, field):
    with pytest.raises(UnknownNameError, match=rf"--set: {field}: "):
        get_recipe("cnn").with_overrides([assignment])


def test_settings_that_do_not_go_together_are_explained_without_a_place():
    with pytest.raises(UnknownNameError, match=r"^--set: teacher and teacher_share go together"):
        get_recipe("cnn").with_overrides(["teacher=null"])
    with pytest.raises(UnknownNameError, match=r"^--set: restarts: must be epochs"):
        get_recipe("cnn").with_overrides(["restarts=[30, 20]"])


@pytest.mark.parametrize(
    "assignment", ["data.rows=500", "data.source=fer2013", "data.drop_not_face=false"]
)
def test_settings_of_data_that_keypoints_would_be_learnt_without_are_refused(assignment):
    with pytest.raises(UnknownNameError, match=r"--set: data: .* all rows of keypoints"):
        get_recipe("keypoints").with_overrides([assignment])


def test_only_networks_whose_answers_have_known_biases_are_corrected():
    assert get_recipe("dual").with_overrides(["prior_correction=0.5"]).prior_correction == 0.5
    for wrong in ("architecture.fusion=late", "prior_correction=2"):
        with pytest.raises(UnknownNameError):
            get_recipe("dual").with_overrides(["prior_correction=0.5", wrong])


def test_another_batch_size_takes_learning_rate_and_averages_with_it():
    recipe = get_recipe("cnn")
    large = recipe.with_batch_size(4 * recipe.batch_size)
    assert large.batch_size == 512
    assert large.optimizer.peak_learning_rate == pytest.approx(0.4)
    assert large.ema_momentum == pytest.approx(0.999**4)
    assert recipe.with_batch_size(recipe.batch_size) == recipe
    with pytest.raises(UnknownNameError, match="batch_size"):
        recipe.with_batch_size(0)


def test_a_setting_that_the_last_epochs_do_not_share_is_told(caplog):
    get_recipe("cnn").with_overrides(["augment.flip=false"])
    assert "epochs keep flip=True: also set refinement.augment.flip." in caplog.text
    caplog.clear()
    get_recipe("cnn").with_overrides(['augment={"flip": false, "crop_pixels": 40}'])
    assert "also set refinement.augment.flip." in caplog.text
    caplog.clear()
    get_recipe("cnn").with_overrides(["augment.flip=false", "refinement.augment.flip=false"])
    get_recipe("cnn").with_overrides(["augment.flip=false", "refinement=null"])
    assert not caplog.text
