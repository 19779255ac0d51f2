"""The section of docs/results.md on ensembles of teachers: each campaign's table."""

import pandas as pd

from training.campaign.ensemble import ensemble_path
from training.campaign.plan import campaign_names, get_campaign
from training.campaign.tables import ensemble_table


def ensembles_section() -> str:
    """Return the section in Markdown, of all campaigns that have an ensemble; empty without one."""
    parts = []
    for name in campaign_names():
        if ensemble_path(name).is_file():
            campaign = get_campaign(name)
            heading = f"### {campaign.title}\n\n`python -m training campaign {name}`"
            parts.append(f"{heading}\n\n{_markdown(ensemble_table(campaign))}")
    return "\n\n".join(parts)


def _markdown(table: pd.DataFrame) -> str:
    lines = [f"| {' | '.join(table.columns)} |", "|---|---:|---|---:|---:|---:|---:|"]
    for row in table.itertuples(index=False):
        cells = ["" if pd.isna(cell) else str(cell) for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
