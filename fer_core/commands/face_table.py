"""The table of faces that `analyze` prints on a terminal."""

from collections.abc import Iterable
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_core.faces.quality import Quality
from fer_core.files import readable_name, shown_name
from fer_core.networks.levels import Level, words_of_level
from fer_core.percent import percent

#: Terminal columns between two cells of a table.
_BORDER: Final = 3
#: No path is cut to fewer columns.
_SHORTEST_PATH: Final = 24
#: Replaces the part that is cut out of a path; every encoding has these characters.
_CUT: Final = "..."


def print_table(records: Iterable[dict[str, Any]], names: list[str]) -> None:
    """Print a row for each face, photo without a face and error, as wide as the terminal.

    Args:
        records: JSON objects of photos and of frames of videos.
        names: networks, in the order of their columns.
    """
    rows: list[tuple[tuple[str, str], list[str]]] = []
    for record in records:
        time_s = record.get("time_s")
        photo = shown_name(record["path"]), "" if time_s is None else f", {time_s:.2f} s"
        if not record["faces"]:
            reason = readable_name(record["error"] or "no face found")
            rows.append((photo, ["", *[""] * len(names), reason]))
        for number, face in enumerate(record["faces"], start=1):
            who = face.get("track", number)
            said = [_prediction(face["predictions"][name], face["quality"]) for name in names]
            rows.append((photo, [str(who), *said, ", ".join(face["quality"])]))
    console = Console()
    heads = ["face", *names, "notes"]
    # The notes may take several lines, all other columns take one.
    columns = zip(heads[:-1], *(cells[:-1] for _, cells in rows), strict=True)
    others = sum(_BORDER + max(map(cell_len, column)) for column in columns)
    room = max(_SHORTEST_PATH, console.width - others - 3 * _BORDER - cell_len(heads[-1]))
    # Square brackets in a name are not markup.
    table = Table("photo", *heads)
    table.columns[0].no_wrap = True
    for (path, when), cells in rows:
        table.add_row(Text(_cut_in_the_middle(path, room - len(when)) + when), *map(Text, cells))
    console.print(table)


def _prediction(prediction: dict[str, Any], quality: list[str]) -> str:
    """Return a prediction of a record in the words of the pages: "probably happy 67%"."""
    probabilities = prediction["probabilities"]
    likely = sorted(probabilities, key=probabilities.get, reverse=True)
    level = Level(prediction["level"])
    words = words_of_level(level, likely, is_doubtful=Quality.UPRIGHT in quality)
    return f"{': '.join(filter(None, words))} {percent(prediction['confidence'])}"


def _cut_in_the_middle(path: str, width: int) -> str:
    """Shorten a path in its middle to at most `width` terminal columns: its end mostly tells files apart."""
    if cell_len(path) <= width:
        return path
    start = set_cell_size(path, (width - len(_CUT)) // 3)
    end = path
    while cell_len(end) > width - len(_CUT) - cell_len(start):
        end = end[1:]
    return f"{start}{_CUT}{end}"
