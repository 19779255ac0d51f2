"""`python -m training human-ceiling`: how far annotators agree."""

import dataclasses
import json

import typer


def human_ceiling() -> None:
    """Compute how often one of FER+'s annotators agrees with the others, and with FER2013's label.

    On the validation and test splits, over eight classes and over seven. Writes
    models/annotators.parquet and prints a line of JSON for each of its rows.

    \b
    Example:
      FER_DATA=~/fer-data python -m training human-ceiling
    """
    from fer_core.evaluation.human_agreement import annotators_path, write_annotators
    from training.measure.human_ceiling import measure_annotators

    rows = measure_annotators()
    write_annotators(rows, annotators_path())
    for row in rows:
        typer.echo(json.dumps(dataclasses.asdict(row)))
