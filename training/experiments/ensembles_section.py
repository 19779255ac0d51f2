"""The section of docs/results.md on ensembles of teachers: each campaign's table."""

from typing import Final

from training.campaign.plan import campaign_names, get_campaign
from training.campaign.tables import ensemble_table
from training.experiments.markdown import markdown_table
from training.teachers.ensemble import ensemble_path

_WORDS: Final = ("member", "data (clean faces)")


def ensembles_section() -> str:
    """Return the section in Markdown, of all campaigns that have an ensemble; empty without one."""
    parts = []
    for name in campaign_names():
        if ensemble_path(name).is_file():
            campaign = get_campaign(name)
            table = ensemble_table(campaign)
            heading = f"### {campaign.title}\n\n`python -m training campaign {name}`"
            parts.append(f"{heading}\n\n{markdown_table(table, left=_WORDS)}")
    return "\n\n".join(parts)
