"""Thumbnails show a data set's own images, of those data sets alone that may be shown."""

import json
import re

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.evaluation.predictions import predictions_path, read_predictions
from fer_core.evaluation.thumbnails import read_thumbnails, thumbnails_path
from fer_core.settings import shipped_models
from training.__main__ import app
from training.sources import Split, load


@pytest.fixture(autouse=True)
def _roots(generated_data, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))


@pytest.mark.parametrize("source", ["fer2013", "ferplus"])
def test_every_image_is_there_for_both_sources_that_have_it(source):
    result = CliRunner().invoke(app, ["thumbnails", f"{source}:test"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["file"] == str(thumbnails_path("fer2013", "test"))
    samples = load("fer2013", Split.TEST)
    for name in ("fer2013", "ferplus"):
        thumbnails = read_thumbnails(name, "test")
        assert len(thumbnails) == len(samples)
        for row, image in zip(samples.rows, samples.images, strict=True):
            code = np.frombuffer(thumbnails.image(row), np.uint8)
            shown = cv2.imdecode(code, cv2.IMREAD_UNCHANGED).astype(float)
            # Rings of noise are the worst case of JPEG.
            assert np.corrcoef(shown.ravel(), image.ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        ("ckplus", 1, "No thumbnails are kept of ckplus: its agreement forbids"),
        ("expw:test", 1, "No thumbnails are kept of expw: .* kept of fer2013 and ferplus"),
        ("folder:/tmp/faces", 1, "they are your own"),
        ("fer2031:test", 2, "No data source is called 'fer2031'"),
        ("fer2013:dev", 2, "No split is called 'dev'"),
    ],
)
def test_what_may_not_be_shown_is_refused_with_the_reason(data, code, message, tmp_path):
    result = CliRunner().invoke(app, ["thumbnails", data])
    assert (result.exit_code, result.stdout) == (code, "")
    assert re.search(message, result.stderr)
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_shipped_thumbnails_are_of_the_rows_that_were_predicted_and_small(monkeypatch):
    models = shipped_models()
    monkeypatch.setenv("FER_MODELS", str(models))
    thumbnails = read_thumbnails("fer2013", "test")
    predicted = read_predictions(predictions_path(models / "cnn", "fer2013", "test"))
    assert set(predicted.rows.tolist()) == set(thumbnails.positions)
    assert thumbnails_path("fer2013", "test").stat().st_size < 4_000_000
    assert "arXiv:1307.0414" in (models / "thumbnails" / "NOTICE").read_text()
