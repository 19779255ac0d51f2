"""`python -m training report`: the dashboards as one HTML file."""

import json
from pathlib import Path
from typing import Annotated

import typer


def report(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
) -> None:
    """Write the dashboards as one HTML file that can be read offline.

    Uses the stored predictions and tables under FER_MODELS; nothing is measured again. Prints one line of
    JSON.

    \b
    Example:
      python -m training report --out report.html
    """
    from training.experiments.report import write_report

    write_report(out)
    typer.echo(json.dumps({"file": str(out), "megabytes": round(out.stat().st_size / 1e6, 1)}))
