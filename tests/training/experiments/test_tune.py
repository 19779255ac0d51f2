"""A search tries what the space allows, keeps a table, and goes on where it stopped."""

import json
import shutil

import pytest

from fer_core.errors import UnknownNameError
from fer_core.studies.plans import read_plan, read_search
from fer_core.studies.runs import studies_root
from training.errors import DivergedError, TrainingError
from training.experiments import tune as tune_module
from training.experiments.tune import WORK_FOLDER, read_trials, search_space_of, shortened, tune
from training.schema.search_space import Choice, Range

SPACE = {
    "optimizer.peak_learning_rate": Range(low=1e-3, high=0.3, log=True),
    "architecture.widths": Choice(values=((2, 4), (4, 8))),
}


@pytest.fixture(autouse=True)
def _places(generated_data, tmp_path, monkeypatch, without_graphs):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))


@pytest.fixture
def short(tiny_recipe):
    return tiny_recipe.with_overrides(["restarts=[]", "epochs=1", "data.rows=60"])


def test_trials_stay_in_the_space_and_the_best_comes_first(short):
    table = tune(short, SPACE, trials=2)
    assert len(table) == 2
    assert table["optimizer.peak_learning_rate"].between(1e-3, 0.3).all()
    assert set(map(tuple, table["architecture.widths"].map(json.loads))) <= {(2, 4), (4, 8)}
    assert table["val_accuracy"].is_monotonic_decreasing
    assert (table["n_train"] == 60).all()
    with pytest.raises(TrainingError, match="--resume"):
        tune(short, SPACE, trials=2)
    assert read_plan(f"tune-{short.name}").planned == 2
    assert len(tune(short, SPACE, trials=3, resume=True)) == 3
    # A clone has the tables alone.
    shutil.rmtree(studies_root() / WORK_FOLDER)
    with pytest.raises(TrainingError, match="--overwrite"):
        tune(short, SPACE, trials=2)
    assert len(read_trials(short)) == 3
    plan = read_plan(f"tune-{short.name}")
    assert plan.planned == 3
    assert plan.log_values == ("optimizer.peak_learning_rate",)
    assert plan.command.endswith("--trials 3 --epochs 1 --seed 0 --rows 60")
    assert read_search(plan).trials["trial"].astype(int).tolist() == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.release
def test_halving_gives_the_best_of_many_short_trials_more_epochs(short):
    recipe = short.with_overrides(["epochs=3"])
    table = tune(recipe, SPACE, trials=5, halving=True)
    by_trial = table.assign(trial=table["trial"].astype(int)).set_index("trial").sort_index()
    # Three for one epoch, then the best of them for three.
    assert by_trial["epochs"].tolist()[:4] == [1, 1, 1, 3]
    best = by_trial.iloc[:3]["val_accuracy"].idxmax()
    again = by_trial.loc[3, list(SPACE)]
    assert again.tolist() == by_trial.loc[best, list(SPACE)].tolist()
    plan = read_plan(f"tune-{short.name}")
    assert plan.command.endswith("--trials 5 --epochs 3 --seed 0 --halving --rows 60")
    assert "Hyperband" in plan.question
    assert len(tune(recipe, SPACE, trials=6, halving=True, resume=True)) == 6
    with pytest.raises(TrainingError, match="begun with other options"):
        tune(recipe, SPACE, trials=7, resume=True)


LONGER = (pytest.mark.slow, pytest.mark.release)


@pytest.mark.parametrize(
    "setting", ["epochs=2", *(pytest.param(s, marks=LONGER) for s in ("data.rows=70", "seed=1"))]
)
def test_a_search_does_not_go_on_with_another_budget(short, setting):
    """Its table would rank unlike trials; the one in progress could not go on."""
    before = tune(short, SPACE, trials=1)
    other = short.with_overrides([setting])
    with pytest.raises(TrainingError, match=r"begun with other options: .* --epochs 1 --seed 0 --"):
        tune(other, SPACE, trials=2, resume=True)
    with pytest.raises(TrainingError, match=r"varying optimizer\.peak_learning_rate, arch"):
        tune(short, {"batch_size": Choice(values=(16, 64))}, trials=2, resume=True)
    wider = {**SPACE, "optimizer.peak_learning_rate": Range(low=1e-3, high=0.9, log=True)}
    with pytest.raises(TrainingError, match="begun with other values"):
        tune(short, wider, trials=2, resume=True)
    assert read_trials(short).equals(before)
    assert read_plan(f"tune-{short.name}").planned == 1
    # In place of the search, with its folder still there.
    assert len(tune(short, wider, trials=1, overwrite=True)) == 1


@pytest.mark.slow
def test_a_killed_search_repeats_only_the_trial_in_progress(short, monkeypatch):
    class Killed(BaseException):
        pass

    tried = []

    def dies_in_the_second(recipe, folder, **options):
        tried.append(recipe)
        if len(tried) == 2:
            raise Killed
        return original(recipe, folder, **options)

    original = tune_module.fit
    monkeypatch.setattr(tune_module, "fit", dies_in_the_second)
    with pytest.raises(Killed):
        tune(short, SPACE, trials=2)
    assert len(read_trials(short)) == 1
    assert len(tune(short, SPACE, trials=2, resume=True)) == 2
    assert len(tried) == 3
    # The trial in progress was begun again with its own settings.
    assert tried[1] == tried[2]
    assert not list((studies_root() / WORK_FOLDER / short.name).glob("run-*"))


def test_a_short_run_averages_over_the_same_share_of_its_steps(tiny_recipe):
    """With the long run's momentum, the averages of a short one would still be the initial weights."""
    long = tiny_recipe.with_overrides(
        ["epochs=40", "ema_momentum=0.99", "optimizer.warmup_epochs=2"]
    )
    trial = shortened(long, epochs=4, rows=105, seed=3)
    # A tenth of the epochs on half of the 210 rows.
    assert trial.ema_momentum == pytest.approx(0.99**20)
    assert (trial.epochs, trial.data.rows, trial.seed) == (4, 105, 3)
    assert trial.optimizer.warmup_epochs == 1
    assert trial.phases == ((4, long.augment),)
    assert shortened(long, epochs=4, rows=9999, seed=0).ema_momentum == pytest.approx(0.99**10)


@pytest.mark.slow
def test_the_averages_follow_the_batch_size_that_is_tried(short, monkeypatch):
    tried = []

    def remember(recipe, folder, **options):
        tried.append(recipe)
        return original(recipe, folder, **options)

    original = tune_module.fit
    monkeypatch.setattr(tune_module, "fit", remember)
    tune(short, {"batch_size": Choice(values=(32, 128))}, trials=2)
    momenta = {recipe.batch_size: recipe.ema_momentum for recipe in tried}
    assert momenta == pytest.approx({32: 0.8**0.5, 128: 0.8**2})


@pytest.mark.slow
@pytest.mark.release
def test_settings_that_do_not_train_do_not_end_the_search(short, monkeypatch):
    tried = []

    def fails_once(recipe, folder, **options):
        tried.append(recipe)
        if len(tried) == 1:
            raise DivergedError("The loss became nan in epoch 1.")
        return original(recipe, folder, **options)

    original = tune_module.fit
    monkeypatch.setattr(tune_module, "fit", fails_once)
    assert len(tune(short, SPACE, trials=2)) == 1
    assert len(tried) == 2


def test_a_search_of_which_nothing_trains_ends_with_the_reason(short, monkeypatch):
    def diverges(recipe, folder, **options):
        raise DivergedError("The loss became nan in epoch 1.")

    monkeypatch.setattr(tune_module, "fit", diverges)
    with pytest.raises(
        TrainingError, match=r"failed trials in a row\. .*: The loss became nan in epoch 1\. Narrow"
    ):
        tune(short, SPACE, trials=5)


def test_an_error_that_no_other_settings_mend_ends_the_search(short, monkeypatch):
    tried = []

    def full(recipe, folder, **options):
        tried.append(recipe)
        raise TrainingError("The state of the run could not be written.")

    monkeypatch.setattr(tune_module, "fit", full)
    with pytest.raises(TrainingError, match=r"^The state of the run could not be written"):
        tune(short, SPACE, trials=5)
    assert len(tried) == 1


def test_without_data_the_error_is_the_data_s(short, monkeypatch, tmp_path):
    from fer_core.errors import DataError

    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("FER_DATA", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="FER2013"):
        tune(short, SPACE, trials=1)


def test_the_space_of_the_cnn_is_declared_and_others_say_how():
    assert "optimizer.peak_learning_rate" in search_space_of("cnn")
    with pytest.raises(UnknownNameError, match="declares no search space"):
        search_space_of("keypoints")
    with pytest.raises(ValueError, match="low must be under high"):
        Range(low=1, high=0)
