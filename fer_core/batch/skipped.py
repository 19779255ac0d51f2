"""Files that were skipped in folders and zips, counted by reason."""

from collections.abc import Iterator
from typing import Final

from fer_core.content import Content
from fer_core.files import shown_name

SYSTEM_FILE: Final = "system file"


class Skipped:
    """Skipped files in folders, zips and patterns."""

    def __init__(self) -> None:
        """Start without skipped files."""
        self._names: dict[tuple[str, str], set[str]] = {}

    def add(self, name: str, noun: str, why: str = "") -> None:
        """Count a file, only once however often it is found.

        Args:
            name: its path, for output.
            noun: what it is, with a plural in "s".
            why: what to do if it should be looked at, or why it is not.
        """
        self._names.setdefault((noun, why), set()).add(name)

    def add_content(self, name: str, content: Content, why: str = "") -> None:
        """Count a file by its content; `why` is as for `add`, by default the advice for that content."""
        self.add(name, content.noun, why or content.mend)

    def lines(self) -> Iterator[str]:
        """Yield a sentence for each reason: "Skipped 2 sound files, such as holiday/song.mp3."."""
        for (noun, why), names in sorted(self._names.items()):
            count = len(names)
            which = shown_name(min(names))
            which = f"such as {which}" if count > 1 else which
            yield f"Skipped {count:,} {noun}{'' if count == 1 else 's'}, {which}. {why}".rstrip()
