"""What is known of a data set besides its faces, and what is said when it is not there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fer_core.errors import DataError
from fer_core.expressions import LabelSpace
from training.sources.base import Samples, Split

#: The division of a data set whose pack lies under the data root, and that which specs without a note mean.
PACKED: Final = "as its pack is"
_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".001")
#: Names of what was found that a message gives.
_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class Source:
    """A data set under the data root.

    Attributes:
        name: on the command line.
        title: what cards call it.
        label_space: meaning and order of its labels.
        splits: the parts that it has.
        load: reads one of them; its arguments are the data root and the split.
        images_of: name of the source whose images it relabels, in the same splits; its own name otherwise.
        terms: under which its images and labels are given out, in words for cards.
        hidden_because: why its terms do not let its faces be shown to others; None if they let.
        division: tells how its faces are divided into splits under a data root, None if none are there; where
            there are no official splits and layouts differ. None where all have the same.
        holds_photos_of: names of sources of which its training faces show a few photos too, from any split.
    """

    name: str
    title: str
    label_space: LabelSpace
    splits: tuple[Split, ...]
    load: Callable[[Path, Split], Samples]
    images_of: str
    terms: str
    hidden_because: str | None
    division: Callable[[Path], str | None] | None = None
    holds_photos_of: tuple[str, ...] = ()


class MissingDataError(DataError):
    """A data set, or a part of it, is not there; the message has layouts and the page to download from."""


class NothingFoundError(MissingDataError):
    """No known layout of a data set is where it should be."""


def not_found(what: str, folder: Path, *, expected: str, page: str) -> NothingFoundError:
    """Return the error for data that is not there: what was found, the layouts that are read, the page.

    Args:
        what: is missing.
        folder: where it was looked for.
        expected: the layouts, a line each.
        page: to download it from.
    """
    present = next(path for path in (folder, *folder.parents) if path.is_dir())
    names = sorted(path.name for path in present.iterdir() if not path.name.startswith("."))
    found = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    archives = [name for name in names if name.lower().endswith(_ARCHIVES)]
    mend = f" Extract {archives[0]} if that is it." if archives else ""
    return NothingFoundError(
        f"{what} is not in {folder} (found {found or 'nothing'} in {present}).{mend}\n"
        f"Expected {expected}\nDownload: {page}"
    )
