"""Many photos from files to records: in this process, or in several that hold their own models.

Records come in the order of the files, and only so many are on their way that memory stays flat.
"""

import os
import queue
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fer_core.analysis import Analyzer
from fer_core.batch.inputs import PhotoFile
from fer_core.errors import AnalysisError, FerError, ImageDecodeError
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from fer_core.quiet import quiet_libraries
from fer_core.records import error_record, to_record
from fer_core.video import DEFAULT_RATE

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: Photos from which on several processes are worth their start, a second of each core.
MANY: Final = 32
#: Photos on their way, a process: while one works on a large photo, the others go on.
_AHEAD: Final = 4

Record = dict[str, Any]
#: A photo or video with its number among all, from 1.
Task = tuple[int, PhotoFile]


class WorkerError(FerError):
    """A process that should analyse photos cannot."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is done with each photo.

    Attributes:
        models: names of the networks that are asked.
        save_annotated: existing folder for the photos with their faces marked; None to write none.
        frame_rate: frames a second of a video that are looked at.
    """

    models: tuple[str, ...]
    save_annotated: Path | None = None
    frame_rate: float = DEFAULT_RATE


class Recorder:
    """Makes the records of one photo or video after the other, with models of its own."""

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        """Load the models.

        Args:
            settings: what to do.
            threads: of each network; by default as `Classifier` decides.

        Raises:
            BundleError: a model is missing or damaged.
        """
        self._folder = settings.save_annotated
        self._frame_rate = settings.frame_rate
        bundles = {name: resolve(name) for name in settings.models}
        with quiet_libraries():
            self._analyzer = Analyzer(
                FaceFinder(), {n: Classifier(b, threads=threads) for n, b in bundles.items()}
            )

    def records(self, number: int, file: PhotoFile) -> Iterator[Record]:
        """Yield the JSON object of a photo, or those of a video's frames; or the reason why there are none.

        Args:
            number: of the file, for the annotated one's name: photos of several folders may share theirs.
            file: the photo or video.
        """
        if not file.is_video:
            yield self._photo_record(number, file)
            return
        from fer_core.video.printing import video_records

        yield from video_records(
            file.name,
            file.path,
            self._analyzer,
            rate=self._frame_rate,
            annotated=self._annotated(number, file, ".mp4"),
        )

    def _photo_record(self, number: int, file: PhotoFile) -> Record:
        try:
            photo = decode(file.read())
            analysis = self._analyzer.analyze(photo)
        except (ImageDecodeError, AnalysisError) as error:
            return error_record(file.name, str(error))
        if target := self._annotated(number, file, ".png"):
            from fer_core.drawing import draw_faces, encode_png

            target.write_bytes(encode_png(draw_faces(photo.rgb, analysis)))
        return to_record(file.name, analysis)

    def _annotated(self, number: int, file: PhotoFile, suffix: str) -> Path | None:
        """Return where to write the file with its faces marked, if anywhere."""
        return self._folder and self._folder / f"{number:04d}-{Path(file.name).stem}{suffix}"


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def records_here(tasks: Iterable[Task], recorder: Recorder) -> Iterator[Iterable[Record]]:
    """Yield the records of each file, made in this process while they are read."""
    for number, file in tasks:
        yield recorder.records(number, file)


def records_in_processes(
    tasks: Iterable[Task], settings: Settings, *, jobs: int
) -> Iterator[Iterable[Record]]:
    """Yield the records of each file in order, made in `jobs` processes, those of a video all at once.

    A file that ends its process, for instance for lack of memory, gets a record with an error.

    Raises:
        WorkerError: a process cannot begin.
    """
    workers = [_Worker(settings) for _ in range(jobs)]
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def ask(task: Task) -> list[Record]:
        worker = idle.get()
        try:
            return worker.ask(*task)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(jobs)
    waiting: deque[Future[list[Record]]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(ask, task))
            if len(waiting) >= _AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        for worker in workers:
            worker.close()


class _Worker:
    """A process with models of its own, which one thread at a time may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._start()

    def ask(self, number: int, file: PhotoFile) -> list[Record]:
        """Return a file's records; raise what the process raised."""
        # Twice: a process may have been ended while it had nothing to do.
        for _ in range(2):
            if not self._is_ready:
                self._wait()
            try:
                self._connection.send((number, file))
                answer: list[Record] | Exception = self._connection.recv()
            except (EOFError, OSError):
                self.close()
                self._start()
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer
        message = (
            "The analysis of this file ended its process, perhaps for lack of memory. Try it alone, with "
            "--jobs 1."
        )
        if file.is_video:
            from fer_core.video import tables

            return [tables.error_record(file.name, message)]
        return [error_record(file.name, message)]

    def close(self) -> None:
        """End the process: what it is told by is closed."""
        self._connection.close()
        self._process.join()

    def _start(self) -> None:
        import multiprocessing

        # Not forked: MediaPipe's threads would not be in the copy.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._settings), daemon=True)
        self._process.start()
        theirs.close()
        self._is_ready = False

    def _wait(self) -> None:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerError(
                "A process for analysing photos ended as it began, perhaps for lack of memory. Try fewer "
                "--jobs."
            ) from error
        if isinstance(answer, Exception):
            raise answer
        self._is_ready = True


def _work(connection: "Connection", settings: Settings) -> None:
    """Answer for one file after the other, until the other end is closed or its process gone."""
    import cv2

    # Ctrl-C reaches all processes of a terminal; the first of them ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The cores are the other processes'.
    cv2.setNumThreads(1)
    try:
        recorder = Recorder(settings, threads=1)
        connection.send(None)
        while True:
            number, file = connection.recv()
            try:
                answer: list[Record] | Exception = list(recorder.records(number, file))
            except Exception as error:
                # Raised again where it is seen.
                answer = error
            connection.send(answer)
    except FerError as error:
        connection.send(error)
    except (EOFError, OSError):
        return
