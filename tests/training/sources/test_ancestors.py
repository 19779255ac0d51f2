"""What a run takes from other bundles, as it was when the run began."""

import dataclasses
import json

import pandas as pd
import pytest

from fer_core.networks.bundles import SPEC_FILE
from training.bundle.make import fields_of_run
from training.bundle.notes import note_on_data
from training.errors import TrainingError
from training.loop.run_folder import (
    HISTORY_FILE,
    STATE_FILE,
    open_run,
    recorded_ancestors,
    recorded_changes,
)
from training.sources.ancestors import Ancestor, Ancestors
from training.sources.divisions import divisions_of
from training.tasks.parents import parents_of

WIDE = Ancestor(name="wide", sha256="f" * 64, sources=("fer2013", "expw"))


@pytest.fixture
def models(bundle, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    return bundle.path.parent


def replace_weights(bundle):
    """Let another network stand in the bundle's place, as far as its spec tells."""
    file = bundle.path / SPEC_FILE
    spec = json.loads(file.read_text())
    spec["sha256"]["model.keras"] = "0" * 64
    file.write_text(json.dumps(spec))


def begun(recipe, folder):
    """A run after its first epoch."""
    open_run(recipe, folder, resume=False)
    (folder / STATE_FILE).touch()
    pd.DataFrame({"epoch": [1]}).to_csv(folder / HISTORY_FILE, index=False)
    return folder


@pytest.mark.usefixtures("models")
def test_a_run_does_not_go_on_with_another_teacher_unnoticed(bundle, tiny_recipe, tmp_path):
    recipe = tiny_recipe.with_overrides(["teacher=rings", "teacher_share=0.5"])
    folder = begun(recipe, tmp_path / "run")
    open_run(recipe, folder, resume=True)
    before = str(parents_of(recipe).ancestors.teacher)
    replace_weights(bundle)
    with pytest.raises(TrainingError, match=rf"learnt from {before}, .*--change-settings"):
        open_run(recipe, folder, resume=True)
    open_run(recipe, folder, resume=True, change_settings=True)
    (change,) = recorded_changes(folder)
    assert (change.epochs, change.before) == (1, {"teacher": before})
    open_run(recipe, folder, resume=True)
    assert recorded_ancestors(folder).teacher.sha256 == "0" * 64


@pytest.mark.parametrize("drawn", ["data.rows=100", "balance.strategy=oversampling"])
def test_a_run_keeps_a_seed_that_its_rows_are_drawn_with(tiny_recipe, tmp_path, drawn):
    other = tiny_recipe.with_overrides(["seed=1"])
    free = begun(tiny_recipe, tmp_path / "free")
    open_run(other, free, resume=True, change_settings=True)
    assert recorded_changes(free)[0].before == {"seed": 0}
    folder = begun(tiny_recipe.with_overrides([drawn]), tmp_path / "run")
    with pytest.raises(TrainingError, match="another seed"):
        open_run(other.with_overrides([drawn]), folder, resume=True, change_settings=True)
    assert recorded_changes(folder) == []


@pytest.mark.usefixtures("models")
def test_what_a_run_started_from_is_what_stood_there_then(bundle, tiny_recipe, tmp_path):
    recipe = tiny_recipe.with_overrides(["starts_from=rings"])
    folder = begun(recipe, tmp_path / "run")
    start = parents_of(recipe).ancestors.start
    replace_weights(bundle)
    open_run(recipe, folder, resume=True)
    assert recorded_ancestors(folder).start == start
    assert start.sha256 != "0" * 64


@pytest.mark.usefixtures("models")
def test_data_sets_are_inherited_over_generations(bundle, tiny_recipe):
    file = bundle.path / SPEC_FILE
    spec = json.loads(file.read_text())
    spec["training_data"] |= {"source": "ferplus+expw", "inherited": ["fer2013", "expw"]}
    file.write_text(json.dumps(spec))
    recipe = tiny_recipe.with_overrides(["teacher=rings", "teacher_share=0.5"])
    assert parents_of(recipe).ancestors.sources == ("ferplus", "expw", "fer2013")


def test_the_spec_tells_what_was_inherited_and_only_then(
    finished_run, finished_bundle, tiny_recipe
):
    _, result = finished_run

    def written(result):
        fields = fields_of_run(
            result, tiny_recipe, "rings", finished_bundle.path, side=48, note="all rows"
        )
        return fields["training_data"].model_dump(mode="json")

    assert "inherited" not in written(result)
    heir = dataclasses.replace(result, ancestors=Ancestors(start=WIDE))
    assert written(heir)["inherited"] == ["expw"]


def test_the_spec_tells_how_what_went_in_was_divided_into_splits(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    packed, by_photo = "as its pack is", "by photo"
    again = WIDE.model_copy(update={"divisions": (by_photo,)})
    assert divisions_of("fer2013+expw", Ancestors()) == (), "ExpW is not there"
    (tmp_path / "expw").mkdir()
    (tmp_path / "expw" / "label.lst").touch()
    assert divisions_of("fer2013", Ancestors()) == ()
    assert divisions_of("fer2013+expw", Ancestors()) == (by_photo,)
    # Ancestors without a note learnt from the pack.
    assert divisions_of("expw", Ancestors(start=WIDE)) == (packed, by_photo)
    assert divisions_of("fer2013", Ancestors(teacher=again)) == (by_photo,)
    (tmp_path / "expw" / "all64.parquet").touch()
    assert divisions_of("expw", Ancestors(start=WIDE)) == (packed,)


def test_the_note_names_the_classes_that_were_kept_and_the_start(finished_run, tiny_recipe):
    _, result = finished_run
    heir = dataclasses.replace(result, n_left_out=0, ancestors=Ancestors(start=WIDE))
    five = tiny_recipe.with_overrides(["data.label_space=five", "starts_from=wide"])
    assert note_on_data(result, tiny_recipe) == "all rows"
    assert note_on_data(heir, five) == (
        "only faces labelled angry, disgust, sad, happy or surprise; it started from wide, sha256 "
        "ffffffffffff"
    )
