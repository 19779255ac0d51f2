"""Action units are kept or left out by what CK+ says of them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.evaluation.action_unit_checks import (
    ActionUnitCheck,
    action_unit_checks_path,
    read_action_unit_checks,
    write_action_unit_checks,
)
from fer_core.expressions import CKPLUS, FER2013, Expression
from fer_core.faces.action_units import ACTION_UNITS
from fer_core.faces.blendshapes import BLENDSHAPES, LEFT, RIGHT
from fer_core.faces.landmarks import FEATURE_SIZE, SHAPES
from fer_core.settings import shipped_models
from training.__main__ import app
from training.measure.action_units import FAILED, PROTOTYPES, check_action_units
from training.sources import Samples, Split


def faces(space, labels, smile: float) -> Samples:
    """Return blank faces with one blendshape each, as if their landmarks had been found."""
    n = len(labels)
    features = np.full((n, FEATURE_SIZE), 0.01, np.float16)
    smiles = [SHAPES.start + BLENDSHAPES.index(f"mouthSmile{side}") for side in (LEFT, RIGHT)]
    features[:, smiles] = smile
    return Samples(
        source="made up",
        split=Split.TEST,
        label_space=space,
        images=np.zeros((n, 48, 48), np.uint8),
        labels=np.array([space.labels.index(label) for label in labels]),
        rows=np.arange(n),
        clean=np.ones(n, bool),
        is_face=np.ones(n, bool),
        landmarks=features,
    )


@pytest.fixture
def found_landmarks(monkeypatch):
    monkeypatch.setattr("training.measure.action_units.with_landmarks", lambda samples: samples)


@pytest.mark.usefixtures("found_landmarks")
def test_a_unit_passes_where_it_rises():
    posed = faces(CKPLUS, [*PROTOTYPES, Expression.HAPPY], 0.6)
    neutral = faces(FER2013, [Expression.NEUTRAL] * 3 + [Expression.HAPPY], 0.1)
    rows = {(row.unit, row.expression): row for row in check_action_units(posed, neutral)}
    smiles = rows["AU12", "happy"]
    assert (smiles.n, smiles.neutral_n) == (2, 3)
    assert smiles.mean == pytest.approx(0.6, abs=1e-3)
    assert smiles.neutral_mean == pytest.approx(0.1, abs=1e-3)
    assert (smiles.share_above, smiles.passes) == (1, True)
    # As strong as in neutral faces.
    assert not rows["AU01", "surprise"].passes
    with pytest.raises(DataError, match="no face of the expression neutral"):
        check_action_units(posed, neutral.select(neutral.labels == 3))


def test_units_that_are_estimated_passed_and_those_that_failed_are_left_out():
    """As measured with the table that is shipped."""
    rows = read_action_unit_checks(shipped_models() / action_unit_checks_path().name)
    passed = {row.unit for row in rows if row.passes}
    assert passed == {unit.code for unit in ACTION_UNITS if unit.is_checked}
    assert {unit.code for unit in FAILED} == {row.unit for row in rows} - passed
    tested = {code for codes in PROTOTYPES.values() for code in codes}
    assert not tested & {unit.code for unit in ACTION_UNITS if not unit.is_checked}


def test_the_table_is_read_as_it_was_written(tmp_path):
    row = ActionUnitCheck("AU12", "happy", "ckplus:test", 2, 0.6, 1.0, "fer2013:train", 3, 0.1, 0.3)
    path = tmp_path / "units.parquet"
    write_action_unit_checks([row], path)
    assert read_action_unit_checks(path) == [row]
    path.write_text("no table")
    with pytest.raises(DataError, match="python -m training action-units"):
        read_action_unit_checks(path)


@pytest.mark.usefixtures("found_landmarks")
def test_the_command_writes_the_table_and_prints_its_rows(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    made = {"ckplus": faces(CKPLUS, list(PROTOTYPES), 0.6)}
    made["fer2013"] = faces(FER2013, [Expression.NEUTRAL], 0.1)
    monkeypatch.setattr("training.sources.load", lambda name, split: made[name])
    said = CliRunner().invoke(app, ["action-units"])
    assert said.exit_code == 0, said.output
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert [line["unit"] for line in lines if line["passes"]] == ["AU12"]
    assert len(read_action_unit_checks()) == len(lines)
