"""`python -m training human-ceiling`: how far annotators agree."""

import dataclasses
import json

import typer


def human_ceiling() -> None:
    """Measure how often FER+'s annotators agree with each other and with FER2013's labels.

    Uses the validation and test splits, with eight and with seven classes. Writes models/annotators.parquet
    and prints one line of JSON per row.

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
