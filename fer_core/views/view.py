"""A view: a figure with the sentence that says how to read it and the numbers that it was drawn from.

Pages show views and the report writes them, so that what a figure says is written once.
"""

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One figure, ready to be shown or kept.

    Attributes:
        name: of its files, lower case with hyphens, unique among the views that are shown together.
        title: a few words, for its heading.
        figure: of `fer_core.views.style`, for light and dark grounds; without a title of its own, and its
            axes have titles with units.
        reading: plain sentences that say how to read it, on which data, how many rows, which weights.
        data: the numbers in the figure, tidy: a row a mark, columns named for people.
    """

    name: str
    title: str
    figure: go.Figure
    reading: str
    data: pd.DataFrame

    def html(self) -> str:
        """Return one page of HTML that shows the figure without a network, about 5 MB."""
        return str(self.figure.to_html(include_plotlyjs=True, full_html=True))

    def csv(self) -> str:
        """Return the numbers as comma-separated values."""
        return self.data.to_csv(index=False)
