"""Campaigns: teachers leave logits, an ensemble is chosen from them, students learn from it."""

import contextlib
import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fer_core.errors import DataError, UnknownNameError
from fer_core.networks.bundles import HISTORY_FILE, open_bundle
from training import sources
from training.__main__ import app
from training.campaign.outbox import Outbox
from training.campaign.plan import Campaign, PlannedRun, campaign_names, get_campaign
from training.campaign.run import run_campaign, state_folder, student_folder
from training.campaign.selection import choose_ensemble
from training.campaign.tables import ensemble_table, plan_table
from training.errors import TrainingError
from training.schema.recipe import SelectionSplit, get_recipe
from training.sources import Split
from training.tasks.parents import parents_of
from training.tasks.targets import targets_for
from training.teachers.ensemble import (
    EnsembleTeacher,
    ensemble_path,
    read_ensemble,
    write_ensemble,
)
from training.teachers.logits import logits_path, read_logits, write_logits

#: A plan of two teachers and a student that is trained in seconds.
NAME = "tiny"


def tiny_campaign(settings, **changed):
    shorter = ("restarts=[]", "epochs=2", "data.rows=56", "refinement=null")
    quick = (*settings, *shorter, "vote_smoothing=0")
    return Campaign(
        **{
            "name": NAME,
            "title": "Rings",
            "data": "fer2013",
            "references": (SelectionSplit(data="fer2013:valid"),),
            "teachers": (
                PlannedRun(name="first", recipe="cnn", overrides=quick, seed=1),
                PlannedRun(
                    name="second",
                    recipe="cnn",
                    overrides=(*quick, "architecture.residual=false"),
                    seed=2,
                ),
            ),
            "students": (
                PlannedRun(
                    name="pupil",
                    recipe="cnn",
                    overrides=(
                        *quick,
                        *(f"teacher=ensemble:{NAME}", "teacher_share=0.9", "teacher_temperature=2"),
                    ),
                ),
            ),
            **changed,
        }
    )


@pytest.fixture(scope="module")
def campaign(tiny_settings):
    return tiny_campaign(tiny_settings)


@pytest.fixture(scope="module")
def finished_campaign(campaign, generated_data, tmp_path_factory, eagerly, quickly_exported):
    """The folders of bundles and of the cache after an unbroken run of the plan, and what was reported."""
    root = tmp_path_factory.mktemp("campaign")
    reported = []
    with eagerly(), quickly_exported(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_DATA", str(generated_data))
        patch.setenv("FER_MODELS", str(root / "models"))
        patch.setenv("FER_CACHE", str(root / "cache"))
        run_campaign(campaign, finished=reported.append)
    return root, reported


@pytest.fixture
def finished(finished_campaign, generated_data, tmp_path, monkeypatch):
    """A copy of the logits that a test may change, and the cache, which it may not."""
    root, _ = finished_campaign
    shutil.copytree(root / "models", tmp_path / "models")
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FER_CACHE", str(root / "cache"))
    return tmp_path / "models"


def training_faces():
    return sources.load("fer2013", Split.TRAIN)


def student_recipe(campaign):
    return campaign.students[0].settings


def test_teachers_leave_logits_and_the_student_a_bundle(campaign, finished, finished_campaign):
    assert finished_campaign[1] == ["first", "second", "ensemble", "pupil"]
    train = training_faces()
    for run in campaign.teachers:
        teacher = read_logits(NAME, run.name)
        assert teacher.record.settings_sha256 == run.settings_sha256
        assert teacher.record.epochs == 2
        assert teacher.record.accuracy.keys() == {"fer2013:valid"}
        assert teacher.logits["fer2013:train"].shape == (len(train), 7)
        assert logits_path(NAME, run.name).stat().st_size < 16_000
        assert state_folder(campaign, run).is_dir(), "its weights stay in the cache"
    spec = open_bundle(student_folder(campaign, campaign.students[0])).spec
    assert f"the teacher is ensemble:{NAME}" in spec.training_data.note
    assert spec.recipe["teacher_temperature"] == 2


def test_logits_are_the_mean_of_a_face_and_its_mirror_image(campaign, finished):
    import keras

    from training.loop.run_folder import BEST_FILE, CHECKPOINT_FOLDER

    run = campaign.teachers[0]
    network = run.settings.architecture.build(7)
    network.load_weights(state_folder(campaign, run) / CHECKPOINT_FOLDER / BEST_FILE)
    images = training_faces().images[:8, ..., None].astype(np.float32)
    expected = [keras.ops.convert_to_numpy(network(x)) for x in (images, images[:, :, ::-1])]
    np.testing.assert_allclose(
        read_logits(NAME, run.name).logits["fer2013:train"][:8],
        np.mean(expected, axis=0),
        rtol=2e-3,
        atol=2e-3,
    )


def test_a_finished_campaign_trains_nothing_and_says_what_came_of_it(
    campaign, finished, monkeypatch
):
    monkeypatch.setattr("training.campaign.run.fit", lambda *_, **__: pytest.fail("it trained"))
    before = ensemble_path(NAME).read_bytes()
    run_campaign(campaign)
    assert ensemble_path(NAME).read_bytes() == before
    table = ensemble_table(campaign)
    added = read_ensemble(NAME).curve[1].teacher
    assert table["member"].tolist() == ["ensemble", "first", "second", f"mean of 2, with {added}"]
    assert table["weight"].sum() == pytest.approx(2, abs=2e-3)


def test_the_plan_tells_what_is_done(campaign, finished, tiny_settings, without_graphs):
    logits_path(NAME, "second").unlink()
    table = plan_table(campaign, "cpu").set_index("run")
    assert table["done"].to_dict() == {"first": 2, "second": 2, "pupil": 2}
    shutil.rmtree(finished / "teachers")
    table = plan_table(tiny_campaign(tiny_settings, name="other"), "cpu").set_index("run")
    assert table["done"].to_dict() == {"first": 0, "second": 0, "pupil": 0}
    assert (table["images per second"] > 0).all()


def test_what_does_not_end_in_time_is_left_out(
    campaign, generated_data, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    with caplog.at_level("INFO", logger="training"):
        assert run_campaign(campaign, minutes=0) is None
    assert "first is left out: no time is left" in caplog.text
    assert "no teacher has finished" in caplog.text


def test_a_run_that_would_not_end_in_time_stops_after_its_second_epoch(
    campaign, generated_data, tmp_path, monkeypatch, without_graphs
):
    from training.campaign.pace import EndsInTime, OutOfTimeError
    from training.loop.fit import fit
    from training.loop.run_folder import CHECKPOINT_FOLDER, can_be_resumed

    monkeypatch.setenv("FER_DATA", str(generated_data))
    recipe = campaign.teachers[0].settings.with_overrides(["epochs=4"])
    with pytest.raises(OutOfTimeError, match=r"it needs 0 minutes more, and 0 are left"):
        fit(recipe, tmp_path, callbacks=[EndsInTime(recipe, lambda: 0.0)])
    assert len(pd.read_csv(tmp_path / CHECKPOINT_FOLDER / HISTORY_FILE)) == 2
    assert can_be_resumed(recipe, tmp_path / CHECKPOINT_FOLDER)


@pytest.mark.parametrize(("minutes", "stopped_after"), [(21, None), (15, 6), (9, 2)])
def test_validations_count_in_the_time_that_a_run_needs(
    campaign, monkeypatch, minutes, stopped_after
):
    """Eight epochs of one minute and four of three, with a validation: twenty minutes, the first ones twice.

    The second epoch has no validation, and the first one of each sort compiles.
    """
    from training.campaign.pace import EndsInTime, OutOfTimeError

    recipe = campaign.teachers[0].settings.model_copy(update={"epochs": 12, "validate_every": 3})
    now = 0.0
    monkeypatch.setattr("training.campaign.pace.time.perf_counter", lambda: now)
    callback = EndsInTime(recipe, lambda: 60.0 * minutes - now)
    ended_early = None
    for epoch in range(12):
        callback.on_epoch_begin(epoch)
        now += 180 if (epoch + 1) % 3 == 0 else 60
        try:
            callback.on_epoch_end(epoch)
        except OutOfTimeError:
            ended_early = epoch + 1
            break
    assert ended_early == stopped_after


def test_a_teacher_that_another_process_trains_is_left_out(campaign, finished, caplog):
    from filelock import FileLock

    logits_path(NAME, "second").unlink()
    lock = FileLock(state_folder(campaign, campaign.teachers[1]).with_suffix(".lock"))
    with lock, caplog.at_level("INFO", logger="training"):
        run_campaign(campaign)
    assert "second is left out: another process trains it" in caplog.text
    assert "students wait for second" in caplog.text
    assert not logits_path(NAME, "second").exists()


def test_missing_and_damaged_logits_are_named_with_the_mend(finished):
    path = logits_path(NAME, "first")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"first\.parquet holds no readable.*--only first"):
        read_logits(NAME, "first")
    path.unlink()
    with pytest.raises(
        DataError, match=r"no stored logits of a teacher at .*first\.parquet.*--only first"
    ):
        read_logits(NAME, "first")


def test_logits_made_with_other_settings_are_refused(campaign, finished):
    first, second = campaign.teachers
    other = first.model_copy(update={"overrides": (*first.overrides, "batch_size=16")})
    changed = campaign.model_copy(update={"teachers": (other, second)})
    with pytest.raises(TrainingError, match=r"first\.parquet was made with other settings"):
        run_campaign(changed)


def test_the_precision_that_a_machine_computes_in_is_no_other_setting(campaign):
    run = campaign.teachers[0]
    halved = run.model_copy(update={"overrides": (*run.overrides, "dtype_policy=mixed_bfloat16")})
    assert run.settings_sha256 == halved.settings_sha256


def test_a_student_of_a_machine_with_bfloat16_is_finished_on_one_without(
    campaign, finished, tmp_path, monkeypatch, without_graphs, quick_export
):
    """Its spec tells the precision in which it was trained."""
    monkeypatch.setenv("FER_CACHE", str(tmp_path))
    (pupil,) = campaign.students
    halved = pupil.model_copy(
        update={"overrides": (*pupil.overrides, "dtype_policy=mixed_bfloat16")}
    )
    plan = campaign.model_copy(update={"students": (halved,)})
    with monkeypatch.context() as there:
        there.setattr("training.campaign.run.has_bfloat16", lambda: True)
        there.setattr("training.campaign.run.make_bundle", lambda *_: None)
        run_campaign(plan)
    monkeypatch.setattr("training.campaign.run.has_bfloat16", lambda: False)
    monkeypatch.setattr("training.loop.fit._fit_phases", lambda *_: pytest.fail("it trained"))
    run_campaign(plan)
    spec = open_bundle(student_folder(plan, halved)).spec
    assert spec.recipe["dtype_policy"] == "mixed_bfloat16"
    assert "had other settings" not in spec.training_data.note


def test_a_student_that_another_process_finished_is_not_trained_again(
    campaign, finished, tmp_path, monkeypatch
):
    """It becomes a bundle between the first look and the lock."""
    done = student_folder(campaign, campaign.students[0])
    monkeypatch.setenv("FER_CACHE", str(tmp_path))

    @contextlib.contextmanager
    def locked_late(folder):
        shutil.copytree(done, folder)
        yield True

    monkeypatch.setattr("training.campaign.run.alone", locked_late)
    monkeypatch.setattr("training.campaign.run.fit", lambda *_, **__: pytest.fail("it trained"))
    reported = []
    run_campaign(campaign, finished=reported.append)
    assert reported[-1] == "pupil"


def test_members_weights_and_predictions_tell_ensembles_apart(campaign, finished):
    """Another machine has other last bits of temperatures, and must find the students of this one."""
    ensemble = read_ensemble(NAME)
    first, *others = ensemble.members

    def with_first(**changed):
        members = (first.model_copy(update=changed), *others)
        return ensemble.model_copy(update={"members": members})

    def known_as(written):
        write_ensemble(written)
        folder = student_folder(campaign, campaign.students[0])
        return folder, EnsembleTeacher.of(NAME).ancestor.sha256

    ours = known_as(ensemble)
    elsewhere = with_first(temperature=float(np.nextafter(first.temperature, 9)))
    assert known_as(elsewhere.model_copy(update={"measured": ()})) == ours
    for change in ({"teacher": "x"}, {"weight": first.weight / 2}, {"sha256": "0" * 64}):
        folder, sha256 = known_as(with_first(**change))
        assert folder != ours[0]
        assert sha256 != ours[1]


def test_an_ensemble_of_no_teachers_is_refused(generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    valid = {"fer2013:valid": sources.load("fer2013", Split.VALID)}
    with pytest.raises(ValueError, match="an ensemble needs a teacher"):
        choose_ensemble(NAME, [], "fer2013:train", valid, whole=False)


def taught(campaign, samples):
    """What a student of the campaign is to answer."""
    recipe = student_recipe(campaign)
    return targets_for(recipe, samples, parents_of(recipe).teacher)


def test_logits_of_other_images_are_refused(
    campaign, finished, tmp_path, monkeypatch, rings, kaggle_csv
):
    kaggle_csv(
        tmp_path / "others" / "fer2013" / "fer2013.csv",
        {
            usage: rings(n, 9)
            for usage, n in (("Training", 30), ("PublicTest", 6), ("PrivateTest", 6))
        },
    )
    monkeypatch.setenv("FER_DATA", str(tmp_path / "others"))
    with pytest.raises(
        DataError, match=r"first\.parquet has logits of other images than those of fer2013"
    ):
        run_campaign(campaign)
    with pytest.raises(DataError, match="has logits of other images than those of fer2013:train"):
        taught(campaign, training_faces())


def test_an_ensemble_of_other_logits_is_refused(campaign, finished):
    first = read_logits(NAME, read_ensemble(NAME).members[0].teacher)
    changed = {data: values + 1 for data, values in first.logits.items()}
    write_logits(first.record, changed)
    with pytest.raises(DataError, match=r"is not the file that was there when .*ensemble\.json"):
        taught(campaign, training_faces())
    ensemble_path(NAME).write_text("{}")
    with pytest.raises(DataError, match=r"ensemble\.json is not a readable ensemble"):
        parents_of(student_recipe(campaign))
    ensemble_path(NAME).unlink()
    with pytest.raises(DataError, match="There is no ensemble"):
        parents_of(student_recipe(campaign))


def test_a_student_learns_the_softened_mean_of_its_teachers(campaign, finished):
    ensemble = read_ensemble(NAME)
    train = training_faces()
    few = train.select(np.array([5, 3, 40]))
    mean = sum(
        member.weight
        / member.temperature
        * read_logits(NAME, member.teacher).logits["fer2013:train"]
        for member in ensemble.members
    )[[5, 3, 40]]
    powers = np.exp(mean / ensemble.temperature / 2)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        EnsembleTeacher.of(NAME).soft_targets(few, temperature=2), expected, atol=1e-5
    )
    targets = taught(campaign, few)
    np.testing.assert_allclose(targets, 0.1 * np.eye(7)[few.labels] + 0.9 * expected, atol=1e-5)


def test_rows_that_no_teacher_predicted_are_refused(finished):
    train = training_faces()
    strange = dataclasses.replace(train, images=train.images[::-1].copy())
    with pytest.raises(TrainingError, match=r"predicted the training faces of fer2013"):
        EnsembleTeacher.of(NAME).soft_targets(strange)


def test_pixel_networks_learn_nothing_from_teachers_that_see_landmarks(campaign, finished):
    ensemble = read_ensemble(NAME)
    write_ensemble(ensemble.model_copy(update={"inputs": ("image", "landmarks")}))
    with pytest.raises(TrainingError, match="Teachers of tiny see landmarks, and cnn sees pixels"):
        taught(campaign, training_faces())


def test_copied_rows_and_the_test_split_choose_nothing(campaign, finished, monkeypatch):
    """Members, weights and figures stay when the logits of copied validation rows are spoilt."""
    teachers = [read_logits(NAME, run.name) for run in campaign.teachers]
    assert {split.data for split in teachers[0].record.splits} == {"fer2013:train", "fer2013:valid"}
    valid = sources.load("fer2013", Split.VALID)
    copied = dataclasses.replace(valid, clean=np.arange(len(valid)) % 3 > 0)

    def chosen(given):
        made = choose_ensemble(NAME, given, "fer2013:train", {"fer2013:valid": copied}, whole=False)
        return made.model_dump(exclude={"members": {"__all__": {"sha256"}}})

    spoilt = [
        dataclasses.replace(
            given,
            logits=given.logits
            | {
                "fer2013:valid": np.where(copied.clean[:, None], given.logits["fer2013:valid"], 9e3)
            },
        )
        for given in teachers
    ]
    assert chosen(teachers) == chosen(spoilt)
    assert chosen(teachers)["measured"][0]["n"] == copied.clean.sum()


def test_the_ensemble_is_better_than_members_that_err_otherwise(finished):
    """Two teachers, each right where the other guesses, and one that knows nothing."""
    valid = sources.load("fer2013", Split.VALID)
    known = np.arange(len(valid)) % 2 == 0
    rng = np.random.default_rng(0)
    told = 4.0 * np.eye(7)[valid.labels]
    noise = rng.normal(size=(3, len(valid), 7))
    template = read_logits(NAME, "first")

    def teacher(name, logits):
        return dataclasses.replace(
            template,
            record=template.record.model_copy(update={"teacher": name}),
            logits=template.logits | {"fer2013:valid": logits.astype(np.float32)},
        )

    given = [
        teacher("idle", noise[0]),
        teacher("even", np.where(known[:, None], told, noise[1])),
        teacher("odd", np.where(known[:, None], noise[2], told)),
    ]
    ensemble = choose_ensemble(NAME, given, "fer2013:train", {"fer2013:valid": valid}, whole=False)
    assert {member.teacher for member in ensemble.members} == {"even", "odd"}
    assert [step.teacher for step in ensemble.curve][:2] in (["even", "odd"], ["odd", "even"])
    assert len(ensemble.curve) == len(given)
    for single, pair in zip(ensemble.curve[0].measured, ensemble.curve[1].measured, strict=True):
        assert pair.nll < single.nll
    (measured,) = ensemble.measured
    assert measured.nll < min(figures[0].nll for figures in ensemble.teachers.values())
    assert measured.accuracy_low <= measured.accuracy <= measured.accuracy_high


def test_the_command_prints_the_ensemble_and_explains_bad_usage(campaign, finished, monkeypatch):
    monkeypatch.setattr("training.campaign.plan.get_campaign", lambda _: campaign)
    result = CliRunner().invoke(app, ["campaign", NAME, "--report"])
    assert result.exit_code == 0
    table = pd.read_csv(io.StringIO(result.stdout)).set_index("member")
    assert {"ensemble", "first", "second"} < set(table.index)
    assert (table["faces"] == 42).all()
    result = CliRunner().invoke(app, ["campaign", NAME, "--only", "x"])
    assert result.exit_code == 2
    assert "no teacher called 'x'" in result.stderr
    ensemble_path(NAME).unlink()
    result = CliRunner().invoke(app, ["campaign", NAME, "--report"])
    assert result.exit_code == 1
    assert "There is no ensemble" in result.stderr


@pytest.mark.parametrize("name", campaign_names())
def test_every_plan_is_of_recipes_that_there_are(name):
    campaign = get_campaign(name)
    assert campaign.name == name
    runs = (*campaign.teachers, *campaign.students)
    assert len({run.settings_sha256 for run in campaign.teachers}) == len(campaign.teachers)
    for run in campaign.teachers:
        assert run.settings.teacher is None, "teachers are not taught"
    for run in campaign.students:
        assert run.settings.teacher == f"ensemble:{name}"
        pixels_alone = "landmarks" not in run.settings.architecture.inputs
        seen = {x for teacher in campaign.teachers for x in teacher.settings.architecture.inputs}
        assert not (pixels_alone and "landmarks" in seen)
    assert {run.profile for run in runs} == {"cpu", "gpu"}


def test_unknown_names_are_explained(campaign):
    with pytest.raises(UnknownNameError, match="No campaign is called 'x'"):
        get_campaign("x")
    with pytest.raises(UnknownNameError, match="no teacher called 'x'"):
        run_campaign(campaign, only="x")
    with pytest.raises(ValueError, match="two runs have the same name"):
        Campaign(**{**campaign.model_dump(), "teachers": [campaign.teachers[0]] * 2})
    with pytest.raises(UnknownNameError, match="keypoints names no expressions"):
        _ = PlannedRun(name="k", recipe="keypoints").settings


def test_a_bundle_is_told_from_an_ensemble_by_its_name(finished):
    with pytest.raises(DataError, match="There is no ensemble"):
        parents_of(get_recipe("cnn").with_overrides(["teacher=ensemble:none", "teacher_share=0.5"]))


def test_a_student_that_is_a_bundle_already_is_packed_as_one(
    campaign, finished, finished_campaign, tmp_path
):
    run_campaign(campaign, finished=Outbox(tmp_path / "out", campaign))
    with tarfile.open(tmp_path / "out" / "tiny-pupil.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = (tmp_path / NAME).glob("students-*/pupil")
    assert open_bundle(folder).spec.name == "pupil"


def test_what_another_machine_trained_becomes_a_bundle_here(
    campaign, finished, tmp_path, monkeypatch, without_graphs, quick_export
):
    """There is no TensorFlow there: the student is packed without its bundle and without its state."""
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "there"))
    with monkeypatch.context() as patch:
        patch.setattr("training.campaign.run.make_bundle", lambda *_: None)
        run_campaign(campaign, finished=Outbox(tmp_path / "out", campaign))
    archives = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert archives.keys() == {"tiny-answers.tar", "tiny-pupil.tar"}
    shutil.rmtree(finished / "teachers")
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "here"))
    places = {"tiny-answers.tar": finished / "teachers"}
    for name, path in archives.items():
        place = places.get(name, tmp_path / "here" / "campaigns")
        with tarfile.open(path) as archive:
            archive.extractall(place, filter="data")
    monkeypatch.setattr("training.loop.fit._fit_phases", lambda *_: pytest.fail("it trained"))
    run_campaign(campaign)
    assert open_bundle(student_folder(campaign, campaign.students[0])).spec.name == "pupil"


KILLED_AND_UNBROKEN = """
import json, os, sys
from pathlib import Path
import numpy as np
from tests.training.campaign.test_campaign import tiny_campaign
from training.teachers.logits import read_logits
from training.teachers.ensemble import read_ensemble
from training.campaign.run import run_campaign, student_folder
from training.loop.run_folder import BEST_FILE, CHECKPOINT_FOLDER
from fer_core.networks.bundles import open_bundle

root, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
plan = tiny_campaign(settings)

class Killed(BaseException):
    pass

def kill(name):
    raise Killed

def run(place, **options):
    os.environ["FER_MODELS"], os.environ["FER_CACHE"] = str(root / place / "models"), str(root / place)
    return run_campaign(plan, **options)

run("unbroken")
whole = [read_logits("tiny", run.name).logits for run in plan.teachers], read_ensemble("tiny")
try:
    run("broken", finished=kill)
except Killed:
    print("killed after the first teacher")
run("broken")
resumed = [read_logits("tiny", run.name).logits for run in plan.teachers], read_ensemble("tiny")
for a, b in zip(whole[0], resumed[0], strict=True):
    for data in a:
        np.testing.assert_array_equal(a[data], b[data])
assert whole[1].measured == resumed[1].measured
folder = student_folder(plan, plan.students[0])
assert (folder / "spec.json").is_file() or (folder / CHECKPOINT_FOLDER / BEST_FILE).is_file()
print("alike")
"""


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_killed_campaign_becomes_what_an_unbroken_one_does(
    backend, tiny_settings, generated_data, tmp_path
):
    pytest.importorskip(backend)
    finished = subprocess.run(
        [sys.executable, "-c", KILLED_AND_UNBROKEN, str(tmp_path), json.dumps(tiny_settings)],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "FER_DATA": str(generated_data),
            # JAX spends most of this test compiling.
            "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert finished.stdout.split("\n")[-3:-1] == ["killed after the first teacher", "alike"]
