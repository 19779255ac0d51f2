"""Whole photos, end to end: the pack is read strictly, the largest face counts, small faces are small."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.evaluation.photo_accuracy import read_photo_accuracy, write_photo_accuracy
from fer_core.networks.bundles import resolve
from training.__main__ import app
from training.measure.photos import FACE_PIXELS, find_faces, measure_photos
from training.sources import webphotos


def jpeg(rgb):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def root(tmp_path, astronaut, no_face_png):
    """A data root with two photos of a smiling face and one of coffee."""
    beside = np.hstack([astronaut, np.full((512, 200, 3), 255, np.uint8)])
    table = pd.DataFrame(
        {
            "name": ["a.jpg", "b.jpg", "coffee.png"],
            "expression": ["happy", "happy", "neutral"],
            "image": [jpeg(astronaut), jpeg(beside), no_face_png],
        }
    )
    (tmp_path / "webphotos").mkdir()
    table.to_parquet(tmp_path / "webphotos" / "dev.parquet")
    return tmp_path


def test_faces_are_shrunk_to_the_size_asked_and_keep_what_can_be_seen(root):
    found = find_faces(webphotos.load(root))
    assert found.rows.tolist() == [0, 1], "no face in the coffee"
    assert tuple(found.by_size) == FACE_PIXELS
    _, *shrunken = found.by_size.values()
    detail = [np.abs(np.diff(faces[0].image.astype(int))).mean() for faces in shrunken]
    assert detail == sorted(detail, reverse=True), "a smaller face holds less of it"
    whole, *_, least = (faces[0].image.astype(float) for faces in found.by_size.values())
    assert np.corrcoef(whole.ravel(), least.ravel())[0, 1] > 0.9, "the same face in the same frame"


def test_each_network_is_measured_at_each_size_and_the_table_keeps_it(root, tmp_path):
    rows = measure_photos([resolve("cnn"), resolve("dual")], webphotos.load(root))
    assert [(row.network, row.face_pixels) for row in rows] == [
        (name, size) for name in ("cnn", "dual") for size in FACE_PIXELS
    ]
    first = rows[0]
    assert (first.n, first.n_left_out, first.n_landmarks) == (2, 1, 2)
    assert (first.accuracy, first.macro_recall, first.coverage) == (1.0, 1.0, 1.0)
    assert 0.9 < first.mean_confidence < 1
    assert first.ece == pytest.approx(1 - first.mean_confidence)
    file = tmp_path / "photos.parquet"
    write_photo_accuracy(rows, file)
    np.testing.assert_equal(read_photo_accuracy(file), rows)


def test_the_command_writes_the_table_and_prints_json(root, tmp_path, monkeypatch):
    models = tmp_path / "models"
    models.mkdir()
    (models / "cnn").symlink_to(resolve("cnn").path)
    monkeypatch.setenv("FER_DATA", str(root))
    monkeypatch.setenv("FER_MODELS", str(models))
    result = CliRunner().invoke(app, ["photos"])
    assert result.exit_code == 0, result.stderr
    printed = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["face_pixels"] for line in printed] == list(FACE_PIXELS)
    assert len(read_photo_accuracy(models / "photos.parquet")) == len(printed)


def test_a_label_that_nobody_knows_is_named(root):
    file = root / "webphotos" / "dev.parquet"
    table = pd.read_parquet(file)
    table.loc[1, "expression"] = "hungry"
    table.to_parquet(file)
    with pytest.raises(DataError, match=r"row 1: expression is 'hungry'"):
        webphotos.load(root)


def test_a_damaged_photo_is_named(root):
    file = root / "webphotos" / "dev.parquet"
    table = pd.read_parquet(file)
    table.at[1, "image"] = table.loc[1, "image"][:200]
    table.to_parquet(file)
    with pytest.raises(DataError, match=r"position 1 \(b\.jpg\)"):
        find_faces(webphotos.load(root))


def test_a_missing_pack_says_where_it_belongs(tmp_path):
    with pytest.raises(DataError, match=r"webphotos/dev\.parquet"):
        webphotos.load(tmp_path)


def test_a_damaged_table_says_how_to_write_it(tmp_path):
    file = tmp_path / "photos.parquet"
    with pytest.raises(DataError, match="python -m training photos"):
        read_photo_accuracy(file)
    file.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a readable table"):
        read_photo_accuracy(file)
