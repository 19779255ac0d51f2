"""The odds of a pair of answers where they cannot be counted."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.networks.bundles import PREDICTIONS_FOLDER, resolve
from tests.conftest import NAVIGATION


def test_missing_predictions_are_told_without_where_they_should_lie(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    for name in ("cnn", "dual"):
        shutil.copytree(
            resolve(name).path, tmp_path / name, ignore=shutil.ignore_patterns(PREDICTIONS_FOLDER)
        )
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = (
        AppTest.from_file(NAVIGATION, default_timeout=60).run().switch_page("../compare.py").run()
    )
    assert not page.exception
    said = next(m.value for m in page.markdown if m.value.startswith("Whatever the confidence"))
    assert "There is no predictions file models/cnn/predictions/fer2013-test.parquet" in said
    assert str(tmp_path) not in said
