"""Studies do what is planned once, go on where they stopped, and leave tables."""

import pandas as pd
import pytest

from fer_core.errors import UnknownNameError
from fer_core.studies.plans import history_path, read_answers, read_plan, read_study
from fer_core.studies.runs import read_rows, runs_path, studies_root
from training.alone import alone
from training.experiments import study as study_module
from training.experiments.run_tables import with_settings
from training.experiments.study import (
    ALL_SPLITS,
    RUNNING_FOLDER,
    Study,
    Variant,
    get_study,
    run_study,
    study_names,
)
from training.loop.callbacks import StateWriter


@pytest.fixture(autouse=True)
def _places(generated_data, tmp_path, monkeypatch, without_graphs):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))


@pytest.fixture
def tiny_study(tiny_settings):
    return Study(
        name="dropout",
        title="Dropout",
        question="Does it help?",
        recipe="cnn",
        overrides=(*tiny_settings, "restarts=[]", "epochs=2"),
        variants=(
            Variant(name="none", values={"dropout": 0.0}, overrides=("architecture.dropout=0",)),
            Variant(name="half", values={"dropout": 0.5}, overrides=("architecture.dropout=0.5",)),
        ),
    )


@pytest.fixture
def trained(monkeypatch):
    """The epochs that were trained, a list that grows."""
    epochs = []
    original = StateWriter.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        epochs.append(epoch)
        original(self, epoch, logs)

    monkeypatch.setattr(StateWriter, "on_epoch_end", on_epoch_end)
    return epochs


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_killed_and_is_done_once(tiny_study, trained, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(folder, data):
        raise Killed

    with monkeypatch.context() as patch:
        # After the training of the first variant, before its row.
        patch.setattr(study_module, "measure", killed)
        with pytest.raises(Killed):
            run_study(tiny_study)
    # What is planned can be read before the first run is done.
    plan = read_plan("dropout")
    assert (plan.variants, plan.values, plan.planned) == (("none", "half"), ("dropout",), 2)
    assert read_study(plan).runs.empty
    table = run_study(tiny_study)
    assert trained == [0, 1, 0, 1]
    assert table["variant"].tolist() == ["none", "half"]
    assert table["dropout"].tolist() == [0.0, 0.5]
    assert "architecture.dropout=0.5" in table["overrides"][1]
    assert "architecture.dropout=0.5" not in table["overrides"][0]
    for split, n in (("train", 210), ("valid", 42), ("test", 42)):
        assert (table[f"fer2013:{split} n"] == n).all()
        assert table[f"fer2013:{split} accuracy"].between(0, 1).all()
    assert (table["data_sha256"].str.len() == 64).all()
    assert (table["images_per_second"] > 0).all()
    epochs = pd.read_parquet(history_path(tiny_study.name)).groupby("variant")["epoch"].apply(list)
    assert epochs.to_dict() == {"none": [1, 2], "half": [1, 2]}
    assert read_rows(runs_path())["study"].tolist() == ["dropout", "dropout"]
    # By validation faces variants are told apart; of the others the table's figures are enough.
    answers = read_answers(plan)
    assert set(answers["data"]) == {"fer2013:valid"}
    right = (answers["label"] == answers["answer"]).groupby(answers["variant"])
    assert right.size().tolist() == table["fer2013:valid n_clean"].tolist()
    accuracies = table.set_index("variant")["fer2013:valid accuracy_clean"].to_dict()
    assert right.mean().to_dict() == pytest.approx(accuracies, abs=1e-6)
    assert read_study(plan).runs["variant"].tolist() == ["none", "half"]
    written = tiny_study.table_path.read_bytes()
    retitled = tiny_study.model_copy(update={"title": "Dropout or none"})
    run_study(retitled)
    # Nothing was left to run, and the plan is written all the same.
    assert read_plan("dropout").title == "Dropout or none"
    assert trained == [0, 1, 0, 1]
    assert tiny_study.table_path.read_bytes() == written


def test_a_run_that_was_measured_on_less_is_not_done():
    column = "fer2013:valid accuracy"
    rows = pd.DataFrame({"settings_sha256": ["abc", "abc", "abd"], column: [0.5, None, 0.5]})
    assert with_settings(rows, "abc", ("fer2013:valid",)).index.tolist() == [0]
    assert with_settings(rows, "abc", ("fer2013:valid", "fer2013:test")).empty


def test_runs_that_another_process_trains_are_left_to_it(tiny_study, monkeypatch):
    running = studies_root() / RUNNING_FOLDER / tiny_study.name
    monkeypatch.setattr(study_module, "train", lambda *_, **__: pytest.fail("it trained"))
    with alone(running / "none-0"), alone(running / "half-0"):
        assert run_study(tiny_study).empty


@pytest.mark.slow
@pytest.mark.release
def test_changed_settings_replace_a_row(tiny_study, trained):
    only = tiny_study.model_copy(update={"variants": tiny_study.variants[:1]})
    run_study(only)
    longer = only.model_copy(update={"overrides": (*only.overrides, "epochs=1")})
    table = run_study(longer)
    assert table["epochs"].tolist() == [1]
    assert len(pd.read_parquet(history_path(only.name))) == 1
    assert read_answers(only.plan)["row"].is_unique


@pytest.mark.slow
def test_a_run_that_another_study_has_is_taken_from_there(tiny_study, trained):
    none, half = tiny_study.variants
    first = tiny_study.model_copy(update={"variants": (none,)})
    theirs = run_study(first).iloc[0]
    assert trained == [0, 1]
    # Called otherwise, and one variant more; measured on less.
    other = Study(
        name="units",
        title="Units",
        question="How many?",
        recipe="cnn",
        overrides=tiny_study.overrides,
        variants=(
            Variant(name="all", values={"share": 1.0}, overrides=none.overrides),
            Variant(name="some", values={"share": 0.5}, overrides=half.overrides),
        ),
        measured_on=("fer2013:train", "fer2013:valid"),
    )
    table = run_study(other)
    assert trained == [0, 1, 0, 1], "one run only is new"
    assert table["variant"].tolist() == ["all", "some"]
    assert table["share"].tolist() == [1.0, 0.5]
    assert table["study"].tolist() == ["units", "units"]
    assert "dropout" not in table
    for name in ("settings_sha256", "seconds", "fer2013:valid accuracy"):
        assert table[name][0] == theirs[name]
    answers = read_answers(other.plan).groupby("variant").size()
    assert answers.tolist() == table["fer2013:valid n_clean"].tolist()
    assert pd.read_parquet(history_path(other.name)).groupby("variant").size().tolist() == [2, 2]
    assert read_rows(runs_path())["study"].tolist() == ["dropout", "units"]
    # What is measured on more than theirs is trained here.
    run_study(
        other.model_copy(
            update={"name": "more", "variants": other.variants[1:], "measured_on": ALL_SPLITS}
        )
    )
    assert trained == [0, 1] * 3


@pytest.mark.parametrize("name", study_names())
def test_every_study_can_be_planned(name):
    study = get_study(name)
    assert study.name == name
    recipes = [study.recipe_of(variant, seed) for variant in study.variants for seed in study.seeds]
    # Variants that are the same run under two names would make a figure of nothing.
    settings = {recipe.model_dump_json() for recipe in recipes}
    assert len(settings) == len(recipes)
    assert study.plan.planned == len(recipes)


def test_an_unknown_study_and_setting_are_named(tiny_study):
    with pytest.raises(UnknownNameError, match=r"There are: .*conv_stages"):
        get_study("conv_stage")
    wrong = tiny_study.model_copy(update={"overrides": ("architecture.widthz=[1]",)})
    with pytest.raises(UnknownNameError, match="widthz"):
        run_study(wrong)
