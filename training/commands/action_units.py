"""`python -m training action-units`: check the estimated action units on posed expressions."""

import dataclasses
import json

import typer

from fer_core.evaluation.action_unit_checks import action_unit_checks_path, write_action_unit_checks
from training import sources
from training.sources import Split


def action_units() -> None:
    """Check the estimated action units on CK+, against FER2013's neutral faces.

    For each expression: the share of its faces in which the action units of its prototype are above their
    average in neutral faces. Takes two minutes on two cores. Writes models/action_units.parquet and prints
    one line of JSON per unit and expression.

    \b
    Example:
      FER_DATA=~/fer-data python -m training action-units
    """
    from training.measure.action_units import check_action_units

    rows = check_action_units(
        sources.load("ckplus", Split.TEST), sources.load("fer2013", Split.TRAIN)
    )
    write_action_unit_checks(rows, action_unit_checks_path())
    for row in rows:
        typer.echo(json.dumps(dataclasses.asdict(row) | {"passes": row.passes}))
