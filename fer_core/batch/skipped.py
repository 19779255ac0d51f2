"""What was passed over in folders and zips, counted by the reason."""

from collections.abc import Iterator
from typing import Final

from fer_core.content import Content
from fer_core.files import shown_name

SYSTEM_FILE: Final = "system file"


class Skipped:
    """Files that nobody named, in folders, zips and patterns, and that are not looked at."""

    def __init__(self) -> None:
        """Begin with none."""
        self._names: dict[tuple[str, str], set[str]] = {}

    def add(self, name: str, noun: str, why: str = "") -> None:
        """Count a file, once however often it is met.

        Args:
            name: its path, for output.
            noun: what it is, with a plural in "s".
            why: what to do if it should be looked at, or why it is not.
        """
        self._names.setdefault((noun, why), set()).add(name)

    def add_content(self, name: str, content: Content, why: str = "") -> None:
        """Count a file by what it is; `why` is as for `add`, by default the mend of the content."""
        self.add(name, content.noun, why or content.mend)

    def lines(self) -> Iterator[str]:
        """Yield a sentence for each reason: "Skipped 2 sound files, such as holiday/song.mp3."."""
        for (noun, why), names in sorted(self._names.items()):
            count = len(names)
            which = shown_name(min(names))
            which = f"such as {which}" if count > 1 else which
            yield f"Skipped {count:,} {noun}{'' if count == 1 else 's'}, {which}. {why}".rstrip()
