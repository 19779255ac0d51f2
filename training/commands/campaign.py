"""`python -m training campaign`: teachers, their ensemble, and the students that learn from it."""

from pathlib import Path
from typing import Annotated

import typer

from training.campaign.profile import Profile


def campaign(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name of a campaign in training/recipes/campaigns."),
    ],
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0, help="Time limit: skip runs that would not end within this many minutes."
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="TEACHER", help="Train only this teacher.")
    ] = None,
    profile: Annotated[
        Profile, typer.Option(help="Select the runs sized for a CPU or for a GPU.")
    ] = Profile.CPU,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the runs and their cost as CSV. It measures the speed for some minutes, "
            "and trains nothing.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Print the ensemble and its teachers as CSV, and train nothing."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Also pack each finished teacher's predictions and each student into archives in this "
            "folder."
        ),
    ] = None,
) -> None:
    """Train a campaign: its teachers, their ensemble, and the students that learn from it.

    A finished teacher stores its predictions in models/teachers/NAME and is not trained again. A run that was
    stopped resumes from its last complete epoch. Runs and students are stored under FER_CACHE. Prints the
    ensemble and its teachers as CSV.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training campaign fer2013_pixels --dry-run
      FER_DATA=~/fer-data python -m training campaign fer2013_pixels
      FER_DATA=~/fer-data python -m training campaign fer2013_pixels --only cnn_3 --minutes 170
      python -m training campaign fer2013_pixels --report
    """
    from training.campaign.outbox import Outbox
    from training.campaign.plan import get_campaign
    from training.campaign.run import run_campaign
    from training.campaign.tables import ensemble_table, plan_table

    plan = get_campaign(name)
    if dry_run:
        typer.echo(plan_table(plan, profile).to_csv(index=False), nl=False)
        return
    if not report:
        ensemble = run_campaign(
            plan,
            profile=profile,
            minutes=minutes,
            only=only,
            finished=None if out is None else Outbox(out, plan),
        )
        if ensemble is None:
            return
    typer.echo(ensemble_table(plan).to_csv(index=False), nl=False)
