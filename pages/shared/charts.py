"""What the pages' charts share."""

from typing import Any, Final

#: Plotly's configuration of a chart without its bar of tools.
PLAIN_CHART: Final[dict[str, Any]] = {"displayModeBar": False}
