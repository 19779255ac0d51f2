"""Faces with keypoints: read with persons apart, varied with their points, learnt, measured, bundled."""

import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.networks.bundles import KEYPOINTS_TASK, bundle_names, task_of
from fer_core.networks.keypoints import (
    POINT_NAMES,
    KeypointFinder,
    measure_keypoints,
    open_keypoint_bundle,
)
from training.__main__ import app
from training.schema.keypoint_augment import KeypointAugment
from training.schema.recipe import get_recipe
from training.sources import Split, keypoints

COLUMNS = [f"{name}_{axis}" for name in POINT_NAMES for axis in "xy"]
N_PERSONS, A_PERSON = 20, 4


def dotted_faces(n, seed=0):
    """Grey images uint8 (n, 96, 96) with a light dot at each of the points (n, 15, 2)."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid([24.0, 48.0, 72.0], np.linspace(20, 76, 5), indexing="ij")
    layout = np.stack([x.ravel(), y.ravel()], axis=1)
    points = (layout + rng.uniform(-6, 6, (n, 1, 2)) + rng.uniform(-3, 3, (n, 15, 2))).astype("f4")
    images = np.full((n, 96, 96), 40, np.uint8)
    for image, places in zip(images, points, strict=True):
        for place in np.round(places * 16).astype(int).tolist():
            cv2.circle(image, place, 2 * 16, 220, -1, cv2.LINE_AA, 4)
    return images, points


@pytest.fixture(scope="session")
def pack(tmp_path_factory):
    """A data root with a keypoint pack whose persons lie in both of its files, and one exact copy."""
    images, points = dotted_faces(N_PERSONS * A_PERSON)
    images[5], points[5] = images[4], points[4]
    table = pd.DataFrame(points.reshape(len(points), -1), columns=COLUMNS)
    table["image"] = [cv2.imencode(".png", image)[1].tobytes() for image in images]
    table["subject"] = np.repeat(np.arange(N_PERSONS) * 3, A_PERSON)
    root = tmp_path_factory.mktemp("data")
    (root / "keypoints").mkdir()
    table.iloc[::2].to_parquet(root / "keypoints" / "train.parquet")
    table.iloc[1::2].to_parquet(root / "keypoints" / "test.parquet")
    return root


def test_no_person_is_in_two_splits_and_no_image_twice(pack):
    splits = {split: keypoints.load(pack, split) for split in Split}
    persons = [set(samples.persons.tolist()) for samples in splits.values()]
    assert [len(p) for p in persons] == [16, 2, 2]
    assert len(set.union(*persons)) == N_PERSONS
    # The pack's points are moved back to what its images show.
    given = pd.read_parquet(pack / "keypoints" / "train.parquet")["nose_tip_x"].to_numpy()
    read = {row: p for s in splits.values() for row, p in zip(s.rows, s.points, strict=True)}
    assert read[0][POINT_NAMES.index("nose_tip"), 0] == pytest.approx(given[0] - 1.3, abs=1e-4)
    contents = [image.tobytes() for samples in splits.values() for image in samples.images]
    assert len(contents) == len(set(contents)) == N_PERSONS * A_PERSON - 1


def test_kaggles_own_file_is_read_with_its_gaps(tmp_path):
    images, points = dotted_faces(10)
    points[3, 4:] = np.nan
    table = pd.DataFrame(points.reshape(10, -1), columns=COLUMNS)
    table["Image"] = [" ".join(map(str, image.ravel())) for image in images]
    (tmp_path / "keypoints").mkdir()
    table.to_csv(tmp_path / "keypoints" / "training.csv", index=False)
    read = [keypoints.load(tmp_path, split) for split in Split]
    assert [len(samples) for samples in read] == [8, 1, 1]
    assert all(samples.persons is None for samples in read)
    for samples in read:
        np.testing.assert_array_equal(samples.images, images[samples.rows])
        np.testing.assert_allclose(samples.points, points[samples.rows], rtol=1e-5)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"training\.csv"):
        keypoints.load(tmp_path, Split.TEST)
    (tmp_path / "keypoints").mkdir()
    file = tmp_path / "keypoints" / "training.csv"
    pd.DataFrame({"Image": ["0 0"]}).to_csv(file, index=False)
    with pytest.raises(DataError, match="lacks the column left_eye_center_x"):
        keypoints.load(tmp_path, Split.TEST)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Image", "0 0", "Image must be 9216 numbers from 0 to 255 .* got 2 usable"),
        ("Image", None, "Image must be 9216 numbers"),
        ("Image", "300 " * 9216, "Image must be 9216 numbers from 0 to 255"),
        ("Image", "-3 " * 9216, "Image must be 9216 numbers from 0 to 255"),
        ("nose_tip_x", "left", "nose_tip_x is 'left', not a number"),
        ("nose_tip_x", "inf", "nose_tip_x is 'inf', not a number"),
    ],
)
def test_faults_of_kaggles_own_file_are_named_by_their_rows(tmp_path, column, value, message):
    images, points = dotted_faces(3)
    table = pd.DataFrame(points.reshape(3, -1), columns=COLUMNS, dtype=object)
    table["Image"] = [" ".join(map(str, image.ravel())) for image in images]
    table.loc[1, column] = value
    (tmp_path / "keypoints").mkdir()
    table.to_csv(tmp_path / "keypoints" / "training.csv", index=False)
    with pytest.raises(DataError, match=rf"training\.csv, row 1: {message}"):
        keypoints.load(tmp_path, Split.TEST)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("image", b"", r"position 2: image is unreadable, expected the bytes of a 96x96"),
        ("image", None, "position 2: image is unreadable"),
        ("subject", None, "row 2: subject is '(nan|<NA>)', not a number"),
    ],
)
def test_faults_of_the_pack_are_named_by_their_rows(pack, tmp_path, column, value, message):
    shutil.copytree(pack / "keypoints", tmp_path / "keypoints")
    path = tmp_path / "keypoints" / "test.parquet"
    table = pd.read_parquet(path).reset_index(drop=True)
    table[column] = [*table[column][:2], value, *table[column][3:]]
    table.to_parquet(path)
    with pytest.raises(DataError, match=rf"test\.parquet, {message}"):
        keypoints.load(tmp_path, Split.TEST)
    table.drop(columns="subject").to_parquet(path)
    with pytest.raises(DataError, match=r"test\.parquet lacks the column subject"):
        keypoints.load(tmp_path, Split.TEST)


def test_points_move_with_their_image():
    """Each of many views must have its one light dot at the one point, also in the mirror."""
    image = np.full((96, 96), 30, np.uint8)
    cv2.circle(image, (60, 40), 3, 220, -1)
    nose = POINT_NAMES.index("nose_tip")
    left = POINT_NAMES.index("mouth_left_corner")
    right = POINT_NAMES.index("mouth_right_corner")
    points = np.full((15, 2), np.nan, np.float32)
    points[nose], points[left] = (60, 40), (60, 40)
    views, moved = KeypointAugment(blur_probability=0).vary(
        np.stack([image] * 40), np.stack([points] * 40), np.random.default_rng(0)
    )
    given = np.isfinite(moved[..., 0])
    assert given[:, nose].all()
    assert 5 < given[:, right].sum() < 35
    assert (given[:, left] ^ given[:, right]).all()
    for view, places in zip(views, moved, strict=True):
        light = view.astype(float) - np.median(view)
        weights = np.where(light > light.max() / 2, light, 0)
        y, x = (float((grid * weights).sum() / weights.sum()) for grid in np.mgrid[:96, :96])
        np.testing.assert_allclose(places[nose], (x, y), atol=0.7)


def test_loss_and_rmse_leave_out_what_is_not_given():
    from training.tasks.keypoints import _huber_of_given_points, _rmse_of_given_points

    truth = np.full((2, 30), np.nan, np.float32)
    truth[0, :2], truth[1, 0] = (1, 5), 7
    found = np.zeros((2, 30), np.float32)
    # Huber with its corner at 0.5: 0.5 * (1 - 0.25), 0.5 * (5 - 0.25) and 0.5 * (7 - 0.25).
    loss = _huber_of_given_points()(truth, found)
    assert float(loss) == pytest.approx(((0.375 + 2.375) / 2 + 3.375) / 2)
    metric = _rmse_of_given_points()
    metric.update_state(truth, found)
    assert float(metric.result()) == pytest.approx(np.sqrt((1 + 25 + 49) / 3))


def test_errors_are_by_point_and_by_the_eyes_distance():
    labelled = np.zeros((1, 15, 2), np.float32)
    labelled[0, POINT_NAMES.index("left_eye_center")] = (30, 40)
    labelled[0, POINT_NAMES.index("left_eye_outer_corner")] = (60, 80)
    found = labelled.copy()
    nose = POINT_NAMES.index("nose_tip")
    found[0, nose] += (3, 4)
    measured = measure_keypoints(labelled, found, persons=1)
    assert measured.mean_error["nose_tip"] == pytest.approx(5)
    assert measured.normalized_error["nose_tip"] == pytest.approx(0.1)
    assert measured.normalized_mean_error == pytest.approx(0.1 / 15)
    assert measured.interocular_mean_error == pytest.approx(0.05 / 15)
    assert measured.rmse == pytest.approx(np.sqrt(25 / 30))
    # A second image on which the nose is right; on the first its place is not given.
    labelled = np.concatenate([labelled, labelled])
    found = np.concatenate([found, labelled[:1]])
    labelled[0, nose] = np.nan
    assert measure_keypoints(labelled, found, persons=1).rmse == 0


@pytest.mark.slow
@pytest.mark.release
def test_from_the_command_line_to_a_bundle_that_finds_points(pack, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(pack))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    # Not narrower: with 8 channels TensorFlow 2.21 breaks its memory on processors with AVX-512.
    settings = ["architecture.widths=[16,32]", "architecture.joined_width=16", "batch_size=16"]
    settings += ["ema_momentum=0.8", "augment.rotate_degrees=2", "augment.zoom=0.02"]
    settings += ["augment.flip=false", "optimizer.warmup_epochs=1"]
    options = [part for setting in settings for part in ("--set", setting)]
    result = CliRunner().invoke(app, ["fit", "keypoints", "--epochs", "12", *options])
    assert result.exit_code == 0, result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert [report["split"] for report in reports] == ["valid", "test"]

    folder = tmp_path / "keypoints"
    assert task_of(folder) == KEYPOINTS_TASK
    assert bundle_names() == []
    history = pd.read_csv(folder / "history.csv")
    assert len(history) == 12
    # It learns: the mean place of each point alone is off by 3.9 pixels.
    assert reports[1]["rmse"] < 0.7 * history["val_rmse"].iloc[0]
    # The epoch kept is the best one, not the last.
    assert reports[0]["rmse"] == pytest.approx(history["val_rmse"].min(), abs=1e-3)

    bundle = open_keypoint_bundle(folder)
    samples = keypoints.load(pack, Split.TEST)
    found = KeypointFinder(bundle).find(samples.images)
    measured = measure_keypoints(samples.points, found, persons=2)
    assert bundle.spec.metrics["keypoints:test"] == measured
    assert f"{measured.rmse:.2f} px" in (folder / "README.md").read_text()
    table = pd.read_parquet(folder / "predictions" / "keypoints-test.parquet")
    np.testing.assert_allclose(
        table[[f"found_{name}" for name in COLUMNS]], found.reshape(len(found), -1)
    )

    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = CliRunner().invoke(app, ["evaluate", "keypoints", "--data", "keypoints:test"])
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout) == reports[1]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    wrong = CliRunner().invoke(app, ["evaluate", "keypoints", "--data", "fer2013:test"])
    assert wrong.exit_code == 2
    assert "--data keypoints:test" in wrong.stderr


def test_settings_of_the_recipe_are_checked():
    recipe = get_recipe("keypoints")
    assert recipe.with_overrides(["augment.flip=false"]).augment.flip is False
