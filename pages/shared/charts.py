"""What the pages' charts share."""

from typing import Any, Final

#: Plotly's configuration of a chart without its bar of tools.
PLAIN_CHART: Final[dict[str, Any]] = {"displayModeBar": False}


def chart_with_picture(name: str) -> dict[str, Any]:
    """Return the configuration of a chart whose one tool saves it as NAME.svg."""
    return {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }
