"""The work on a visitor's photos: they are analyzed one by one, and drawn into a zip.

One photo at a time is decoded, so that the models are shared with others after each. Nothing is kept but the
uploads, in the session, and what `fer_core.batch.results` keeps of a photo.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from fer_core.batch.inputs import PhotoSource
from fer_core.batch.progress import Progress
from fer_core.errors import FerError
from pages.shared.loading import load_analyzer
from pages.shared.waiting import patient_place

if TYPE_CHECKING:
    from fer_core.batch.results import AnnotatedZip, PhotoResult


class Task(StrEnum):
    """The current task of a batch."""

    LOOKING = "Analyzing photos"
    ZIPPING = "Drawing the annotated photos"


@dataclass(slots=True, eq=False)
class _BegunZip:
    """A zip that is being made: the archive, and the number of photos that it was given."""

    archive: "AnnotatedZip"
    n_photos: int = 0


@dataclass(slots=True, eq=False)
class Batch:
    """The photos that a visitor uploaded.

    A click starts the next run of the page while the run before works on its photo. So each photo takes a
    lock, and a run that was overtaken writes only to what it began with.

    Attributes:
        files: by a key that stands for the photo, in order.
        n_left_out: photos beyond MAX_PHOTOS.
        skipped: sentences about what else is in the zips.
        specs: of the networks that answered, as `specs_of_networks` gives them.
        results: of the photos that were looked at, by key.
        task: what is going on; None while nothing is.
        zip: of the annotated photos, once it was made.
        n_not_zipped: photos that are missing in it, as they could not be read again.
        before: specs and results of the networks before these.
        no_model: why no network could be loaded, which ended the task.
    """

    files: dict[str, PhotoSource]
    n_left_out: int
    specs: tuple[str, ...]
    results: "dict[str, PhotoResult]"
    skipped: tuple[str, ...] = ()
    task: Task | None = None
    zip: bytes | None = None
    n_not_zipped: int = 0
    before: "tuple[tuple[str, ...], dict[str, PhotoResult]] | None" = field(
        default=None, repr=False, kw_only=True
    )
    no_model: FerError | None = field(default=None, kw_only=True)
    _progress: Progress | None = field(default=None, repr=False)
    _begun_zip: _BegunZip | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_busy(self) -> bool:
        """Whether a task is running."""
        return self.task is not None

    @property
    def keys(self) -> list[str]:
        """The keys of the analyzed photos, in the order of upload."""
        return [key for key in self.files if key in self.results]

    @property
    def in_order(self) -> "list[tuple[PhotoSource, PhotoResult]]":
        """The analyzed photos, in the order of upload."""
        return [(self.files[key], self.results[key]) for key in self.keys]

    @property
    def progress(self) -> Progress:
        """Progress of the task."""
        if self._progress is None:
            if self.task is Task.LOOKING:
                self._progress = Progress(len(self.files), done=len(self.results))
            else:
                done = self._begun_zip.n_photos if self._begun_zip else 0
                self._progress = Progress(len(self.results), done=done)
        return self._progress

    def restart_clock(self) -> None:
        """Measure the speed from now on."""
        self._progress = None

    @property
    def is_looking(self) -> bool:
        """Whether photos are being analyzed."""
        return self.task is Task.LOOKING

    @property
    def is_whole(self) -> bool:
        """Whether every photo was analyzed."""
        return len(self.results) == len(self.files)

    @property
    def has_begun_zip(self) -> bool:
        """Whether a zip is unfinished."""
        return self._begun_zip is not None

    @property
    def n_failed(self) -> int:
        """Number of photos that failed for a temporary reason."""
        return sum(result.failed for result in self.results.values())

    def start(self, task: Task) -> None:
        """Start or resume a task."""
        self.task, self._progress, self.zip, self.no_model = task, None, None, None
        if task is Task.LOOKING:
            # A zip that is begun would lack what is found now.
            self._begun_zip = None

    def look_again(self, *, at_failed_only: bool = False) -> None:
        """Forget results and analyze again, either all photos or the failed ones."""
        self.results = {k: r for k, r in self.results.items() if at_failed_only and not r.failed}
        self.start(Task.LOOKING)

    def change_networks(self, specs: tuple[str, ...]) -> None:
        """Analyze with other networks; the results of those before are kept, and come back with them."""
        if specs == self.specs:
            # A network that could not be opened can be now, or the other way round.
            self.look_again()
            return
        before = self.before
        # Of networks that nothing was asked yet, there is nothing to keep.
        if self.results:
            self.before = self.specs, self.results
        found = before[1] if before and before[0] == specs else {}
        self.specs = specs
        self.results = {key: found[key] for key in self.files if key in found}
        self.start(Task.LOOKING)
        if self.is_whole:
            self.cancel()

    def cancel(self) -> None:
        """Stop the task and keep its results."""
        self.task = None

    def work(self, say: Callable[[str], object]) -> Iterator[None]:
        """Continue the task, pausing briefly after each photo.

        Args:
            say: shows what is said while photos of others are before the next one.
        """
        yield from self._look(say) if self.task is Task.LOOKING else self._zip(say)

    def _look(self, say: Callable[[str], object]) -> Iterator[None]:
        from fer_core.batch.results import look_at

        # Those of the networks that are loaded now: other networks get results of their own meanwhile.
        results = self.results
        analyzer = load_analyzer()
        for key, file in self.files.items():
            if key in results:
                continue
            with patient_place(say), self._lock:
                # The run before may have been working on it.
                if key in results:
                    continue
                results[key] = look_at(file, analyzer)
            yield
        if results is self.results:
            self.task = None

    def _zip(self, say: Callable[[str], object]) -> Iterator[None]:
        from fer_core.batch.results import AnnotatedZip

        with self._lock:
            begun = self._begun_zip = self._begun_zip or _BegunZip(AnnotatedZip())
        for number, (file, result) in enumerate(self.in_order, start=1):
            if number <= begun.n_photos:
                continue
            with patient_place(say), self._lock:
                if number <= begun.n_photos:
                    continue
                begun.archive.add(number, file, result)
                begun.n_photos = number
            yield
        with self._lock:
            if begun is self._begun_zip:
                self.n_not_zipped = begun.archive.n_left_out
                self.zip, self._begun_zip, self.task = begun.archive.finish(), None, None
