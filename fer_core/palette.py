"""The palette of series, and the look that each network has on every page.

Without Plotly, which the bars of the first page do without.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

#: Colours of series. All have a contrast of 3:1 or more with white and with the app's dark ground; the first
#: three are Okabe and Ito's.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PINK: Final = "#C2609A"
OCHRE: Final = "#A67C00"
SKY_BLUE: Final = "#2E93CC"
BROWN: Final = "#8A6D5C"
VIOLET: Final = "#7B5CD6"
#: Mid grey with a contrast of 3:1 or more with both themes' grounds.
GUIDE_COLOR: Final = "#808A92"
#: A dash, a marker and a pattern beside each colour, so that no two series differ by colour alone.
SERIES: Final = (
    (BLUE, "solid", "circle", ""),
    (VERMILION, "dash", "square", "/"),
    (GREEN, "dot", "diamond", "x"),
    (PINK, "dashdot", "triangle-up", "\\"),
    (OCHRE, "longdash", "cross", "-"),
    (SKY_BLUE, "longdashdot", "x", "|"),
    (BROWN, "8px,2px", "star", "+"),
    (VIOLET, "2px,6px", "triangle-down", "."),
    (GUIDE_COLOR, "12px,3px,3px,3px", "pentagon", ""),
)
#: Places of the shipped networks in the palette: the same on every page, whatever stands beside them.
_NETWORKS: Final = {
    "cnn_photos": 0,
    "dual_photos": 1,
    "cnn": 2,
    "dual": 3,
    "expw_cnn": 4,
    "ferplus": 5,
    "landmarks_only": 6,
    "resnet5": 7,
}

#: Dashes, markers and patterns of series in GUIDE_COLOR.
_NEUTRAL: Final = (
    ("solid", "circle", ""),
    ("dash", "circle-open", "/"),
    ("dot", "diamond-open", "."),
    ("dashdot", "square-open", "x"),
)


class Look(NamedTuple):
    """The look of one series, for instance of a network on every page.

    Attributes:
        color: "#RRGGBB", for marks, lines and bars.
        dash: Plotly's dash of its lines.
        symbol: Plotly's marker.
        pattern: Plotly's pattern of its bars.
    """

    color: str
    dash: str
    symbol: str
    pattern: str

    @property
    def line(self) -> dict[str, Any]:
        """Plotly's settings of a line."""
        return {"color": self.color, "dash": self.dash, "width": 2}

    def marker(self, *, size: int = 9) -> dict[str, Any]:
        """Return Plotly's settings of markers."""
        return {"color": self.color, "symbol": self.symbol, "size": size}

    @property
    def bar(self) -> dict[str, Any]:
        """Plotly's settings of bars."""
        return {
            "color": self.color,
            "pattern": {"shape": self.pattern, "fillmode": "replace", "fgcolor": self.color},
        }


def look_of(position: int) -> Look:
    """Return the look of the series at a position, where no network is drawn."""
    return Look(*SERIES[position % len(SERIES)])


def neutral_look(position: int) -> Look:
    """Return the look of a series that stands beside networks, without the colour of any."""
    return Look(GUIDE_COLOR, *_NEUTRAL[position % len(_NEUTRAL)])


def network_looks(names: Iterable[str]) -> dict[str, Look]:
    """Return the look of each of these networks, by bundle name.

    A shipped network looks the same everywhere. Another one's look follows from its name, and is the next
    that is free where it is taken: up to nine networks differ.
    """
    wanted = list(dict.fromkeys(names))
    places = {name: _NETWORKS[name] for name in wanted if name in _NETWORKS}
    for name in wanted:
        if name not in places:
            first = zlib.crc32(name.encode()) % len(SERIES)
            turns = [(first + i) % len(SERIES) for i in range(len(SERIES))]
            places[name] = next((p for p in turns if p not in places.values()), first)
    return {name: Look(*SERIES[places[name]]) for name in wanted}


def luminance(rgb: Sequence[float]) -> float:
    """Return the relative luminance in [0, 1] of an sRGB color with channels from 0 to 255 (WCAG 2.2)."""
    values = np.divide(rgb, 255)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
