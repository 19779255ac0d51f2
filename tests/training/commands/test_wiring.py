"""Commands that pass on what they are given: to studies, searches, the report and the average face."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from fer_core import __version__
from fer_core.faces.landmarks import FEATURE_SIZE
from training import sources
from training.__main__ import app
from training.recipes.cnn import RECIPE
from training.sources import Split


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_name_that_the_terminal_cannot_encode_is_shown():
    """As `python -m fer_core` shows it: the table of a study can hold any name."""
    code = """if True:
        import typer, training.__main__
        def name():
            typer.echo("\\u5199")
        training.__main__.app.command()(name)
        training.__main__.app(["name"])"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )
    assert result.stdout.strip() == rb"\u5199", result.stderr


def test_the_version_is_that_of_the_package():
    assert said("--version") == f"second-look {__version__}\n"


def test_study_prints_the_table_of_the_named_study(monkeypatch):
    def run(study):
        return pd.DataFrame({"study": [study.name]})

    monkeypatch.setattr("training.experiments.study.run_study", run)
    assert said("study", "conv_stages") == "study\nconv_stages\n"
    unknown = CliRunner().invoke(app, ["study", "nothing"])
    assert unknown.exit_code == 2
    assert "No study is called" in unknown.stderr


def test_tune_passes_every_option_on(monkeypatch):
    asked = {}

    def search(recipe, space, **options):
        asked.update(options, recipe=recipe, space=space)
        return pd.DataFrame({"trial": [1]})

    def shortened(recipe, **options):
        asked.update(options)
        return recipe

    monkeypatch.setattr("training.experiments.tune.tune", search)
    monkeypatch.setattr("training.experiments.tune.shortened", shortened)
    arguments = "cnn --trials 7 --epochs 3 --rows 99 --seed 5 --halving --resume --overwrite"
    assert said("tune", *arguments.split()) == "trial\n1\n"
    assert asked.pop("space")
    assert asked == {
        "recipe": RECIPE,
        "trials": 7,
        "epochs": 3,
        "rows": 99,
        "seed": 5,
        "halving": True,
        "resume": True,
        "overwrite": True,
    }


def test_report_tells_the_file_and_its_size(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "training.experiments.report.write_report", lambda path: path.write_bytes(bytes(250_000))
    )
    out = tmp_path / "all.html"
    assert json.loads(said("report", "--out", str(out))) == {"file": str(out), "megabytes": 0.2}


def test_the_average_face_is_that_of_faces_with_landmarks(monkeypatch, generated_data):
    estimated = []

    def with_landmarks(samples):
        landmarks = np.zeros((len(samples), FEATURE_SIZE), np.float16)
        landmarks[3:] = 1
        return dataclasses.replace(samples, landmarks=landmarks)

    def estimate(vectors, images):
        estimated.append((len(vectors), len(images), vectors.all()))

    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setattr("training.sources.landmark_cache.with_landmarks", with_landmarks)
    monkeypatch.setattr("fer_core.faces.shape.estimate", estimate)
    monkeypatch.setattr("fer_core.faces.shape.write_face_shape", lambda *_: None)
    n = len(sources.load("fer2013", Split.TRAIN)) - 3
    told = json.loads(said("face-shape", "fer2013"))
    assert (told["source"], told["n"]) == ("fer2013", n)
    assert estimated == [(n, n, True)]
