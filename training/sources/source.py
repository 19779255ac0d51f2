"""The record of a data set, and the errors if it is missing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set under the data root, with all information except its rows.

    Attributes:
        name: on the command line and in files.
        title: what people call it.
        page: where to download it.
        splits: the parts that it has.
        origin: how its images and labels came about, for cards: it completes "The training images are".
        terms: the terms under which images and labels are given out, for cards.
        measured: splits that `python -m training regenerate` measures every network of its kind on.
        packs: files under the data root that hold its training and validation rows, for machines that get
            only these. Empty if it is not learnt from there.
        mixed_packs: whether `packs` hold the test rows too, told apart by their column `split`.
    """

    name: str
    title: str
    page: str
    splits: tuple[Split, ...]
    origin: str
    terms: str
    measured: tuple[Split, ...]
    packs: tuple[str, ...] = ()
    mixed_packs: bool = False

    def training_files(self, root: Path) -> tuple[str, ...]:
        """Return the files that training and validation rows are read from, relative to the data root.

        Raises:
            DataError: one is not there, or the data set is not learnt from.
        """
        if not self.packs:
            raise DataError(f"{self.title} is measured on and never learnt from.")
        for place in self.packs:
            if not (root / place).is_file():
                raise DataError(
                    f"{root / place} is not there. Other layouts than the pack are not taken along."
                )
        return self.packs


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(DataSet, ABC):
    """A data set of faces with expression labels.

    Its module in `training.sources` holds the record as `SOURCE`. What dashboards need of it,
    `python -m training.sources.names_file` hands to `fer_core`.

    Attributes:
        label_space: meaning and order of its labels.
        judge: whose labels say that a network is right, for pages: it completes "right on 70 % of the
            faces by". None if pages do not count it among the figures that they lead with.
        hidden_because: why its terms do not let its faces be shown to others; None if they let.
        credit: what stands beside its pictures where they are shown; None where they may not be.
        images_of: name of the source whose images it relabels, in the same splits; its own by default.
        official_splits: what the publishers of the data set call its splits, if not train, valid and test.
        votes_of: name of the source whose annotators gave `Samples.votes`; None without votes.
        ceiling: what its labels let one annotator be compared with, as `human_agreement` has it; None if
            nobody measured how far people agree on its faces.
        caution: a sentence that pages put beside its figures; None without one.
        division: returns how its faces are divided into splits under a data root, None if none are there.
            Only where there are no official splits and layouts differ.
        holds_photos_of: names of sources of which its training faces show a few photos too, from any split.
    """

    label_space: LabelSpace
    judge: str | None
    hidden_because: str | None
    credit: str | None
    images_of: str = ""
    official_splits: Mapping[Split, str] = field(default_factory=dict)
    votes_of: str | None = None
    ceiling: str | None = None
    caution: str | None = None
    division: Callable[[Path], str | None] | None = None
    holds_photos_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.images_of:
            object.__setattr__(self, "images_of", self.name)
        if (self.hidden_because is None) == (self.credit is None):
            raise ValueError(
                f"{self.name}: say either why its faces are hidden or what is to stand beside them."
            )

    @abstractmethod
    def load(self, root: Path, split: Split) -> Samples:
        """Read one split.

        Raises:
            DataError: no known layout under `root`, no such split, or a malformed file.
        """

    @property
    def is_whole(self) -> bool:
        """Whether the data set has no official splits and is used as a whole."""
        return self.splits == (Split.TEST,)

    def split_title(self, split: Split) -> str:
        """Return a split's name for cards."""
        return "whole set" if self.is_whole else self.official_splits.get(split, str(split))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLayoutSource(Source):
    """A data set with its own layouts.

    Attributes:
        read: reads one split; its arguments are the data root and the split.
    """

    read: Callable[[Path, Split], Samples]

    def load(self, root: Path, split: Split) -> Samples:
        """Read one split, as `read` does."""
        return self.read(root, split)


class MissingDataError(DataError):
    """A data set or a part of it is missing; the message has the layouts and the download page."""


class NothingFoundError(MissingDataError):
    """No known layout of a data set is where it should be."""


def not_found(what: str, folder: Path, *, expected: str, page: str) -> NothingFoundError:
    """Return the error for missing data, with what was found, the supported layouts and the page.

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
