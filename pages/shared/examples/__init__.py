"""Example photos, free to use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """A photo that comes with the app.

    Attributes:
        title: what its button says.
        file: where it is.
        credit: who took it, and its terms.
    """

    title: str
    file: Path
    credit: str


ASTRONAUT: Final = Example(
    "Astronaut", _FOLDER / "astronaut.png", "Astronaut Eileen Collins. NASA, public domain."
)
#: Neutral, so that one sees what changes a prediction.
OFFICER: Final = Example(
    "Naval officer", _FOLDER / "officer.jpg", "Rear Admiral Grace Hopper. US Navy, public domain."
)
GROUP: Final = Example(
    "Group of 29",
    _FOLDER / "conference_1927.jpg",
    "Solvay conference, Brussels 1927. Public domain in the USA.",
)
EXAMPLES: Final = (ASTRONAUT, OFFICER, GROUP)
