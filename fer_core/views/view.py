"""A view: a figure with a caption and the numbers that it was drawn from.

Pages show views and the report writes them, so that what a figure says is written once.
"""

import re
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

#: The one tool of a figure's page saves the figure as SVG.
_TOOLS: Final[dict[str, Any]] = {"displaylogo": False, "modeBarButtons": [["toImage"]]}
#: Between two sentences.
_STOP: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\u201c\"(])")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One figure, ready to be shown or saved.

    Attributes:
        name: of its files, lower case with hyphens, unique among the views that are shown together.
        title: a few words, for its heading.
        figure: of `fer_core.views.style`, for light and dark grounds; without a title of its own, and its
            axes have titles with units.
        reading: plain sentences that say how to read it, on which data, how many rows, which weights. The
            first fits in one line and stands under the figure; pages keep the others behind "Details".
        data: the numbers in the figure, tidy: a row a mark, columns named for people.
    """

    name: str
    title: str
    figure: go.Figure
    reading: str
    data: pd.DataFrame

    @property
    def caption(self) -> str:
        """The first sentence of the reading."""
        return _STOP.split(self.reading, maxsplit=1)[0]

    @property
    def details(self) -> str:
        """The rest of the reading; empty without one."""
        return "".join(_STOP.split(self.reading, maxsplit=1)[1:])

    def html(self) -> str:
        """Return one page of HTML that shows the figure and its reading offline, about 5 MB."""
        tools = _TOOLS | {"toImageButtonOptions": {"format": "svg", "filename": self.name}}
        figure = self.figure.to_html(include_plotlyjs=True, full_html=False, config=tools)
        title, reading = escape(self.title), escape(re.sub("[`*]", "", self.reading))
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
            f"<h1>{title}</h1>\n{figure}\n<p>{reading}</p>\n</html>\n"
        )

    def csv(self) -> str:
        """Return the numbers as comma-separated values."""
        return self.data.to_csv(index=False)
