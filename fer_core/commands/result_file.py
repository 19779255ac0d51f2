"""A file of results that grows photo by photo and can be resumed after any interruption.

A photo is written in one go. After a kill the last one may be there in part: it is cut off, and done again.
A CSV file begins with a byte order mark: without one, Excel takes it for the system's own encoding and
garbles umlauts. One without it, of an earlier version, is resumed as well.

In CSV nothing tells how many rows belong to a photo, so the last photo is always analysed again. So is a
video that comes last.

`result_meta` writes beside it what its predictions depend on.
"""

import codecs
import contextlib
import csv
import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fer_core.commands.result_meta import ResultMeta, check_meta, write_meta
from fer_core.errors import FerError
from fer_core.face_columns import FaceChoice, FaceColumns
from fer_core.files import readable_name
from fer_core.records import escape_formula

#: Numbers of the first row of a photo in CSV: of its first face, or of none.
_FIRST_FACES: Final = ("0", "1")
_MARK: Final = codecs.BOM_UTF8.decode()
#: End of the names of columns that earlier versions did not write.
_LEVEL: Final = "_level"
#: What every JSON object begins with.
_JSON_START: Final = b'{"path": '


class ResultFileError(FerError):
    """The results file cannot be written, or contains something else."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the records of a photo hold.

    Attributes:
        columns: of each face.
        landmarks: whether each face has its 478 landmarks.
        faces: which faces of the photo.
    """

    columns: FaceColumns = FaceColumns.BASIC
    landmarks: bool = False
    faces: FaceChoice = FaceChoice.ALL


@dataclass(frozen=True, slots=True)
class _Entry:
    """One photo or video in a results file.

    Attributes:
        start: of its first byte in the file.
        path: as it stands there.
        failed: whether it could not be read, or not to its end.
        time_s: of the last frame of a video that is there; None of a photo.
    """

    start: int
    path: str
    failed: bool
    time_s: float | None = None

    def goes_on_with(self, record: Mapping[str, Any]) -> bool:
        """Return whether a JSON object belongs to a later frame of this video, or to its end."""
        if self.time_s is None or record["path"] != self.path:
            return False
        return record["time_s"] is None or record["time_s"] > self.time_s


class ResultFile:
    """A results file that is open for appending, by one process at a time.

    Attributes:
        done: how often each path is in it.
        failed: how many of these could not be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        header: str,
        networks: Iterable[str],
        contents: Contents | None = None,
        meta: ResultMeta | None = None,
        resume: bool = False,
    ) -> None:
        """Open a file.

        Args:
            path: of the file.
            header: of a CSV table; empty for JSON objects, a line each.
            networks: that are asked.
            contents: of the records; by default basic ones.
            meta: what the predictions depend on. It is written beside a new file, and compared with that of
                a resumed one; None to do neither.
            resume: go on with the file if it is there; without, it must not be.

        Raises:
            ResultFileError: it is there and must not be, another process writes to it, or it holds something
                else than results of these networks.
            ResultMetaError: it was begun under other conditions than those of `meta`.
        """
        self.path, self._header, self._networks = path, header, set(networks)
        self._contents = contents or Contents()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | (0 if resume else os.O_EXCL)
        try:
            self._descriptor = os.open(path, flags, 0o666)
        except (FileExistsError, IsADirectoryError) as error:
            if path.is_dir():
                raise ResultFileError(f"{path} is a folder. Name a file in it.") from error
            raise ResultFileError(
                f"{path} exists. Continue it with --resume, or give another name."
            ) from error
        except OSError as error:
            raise ResultFileError(
                f"{path} cannot be written: {error.strerror}. Check the folder and its permissions."
            ) from error
        try:
            self._lock()
            entries, end = self._read()
            if meta:
                # Before the first record: a kill leaves no file whose origin is unknown.
                (check_meta if end else write_meta)(path, meta)
            os.ftruncate(self._descriptor, end)
            if not end and header:
                self.append(_MARK + header)
        except BaseException:
            os.close(self._descriptor)
            if not resume:
                # Empty: the next try would find it in its way.
                path.unlink(missing_ok=True)
            raise
        self.failed = sum(entry.failed for entry in entries)
        # Earlier versions kept bytes that are not UTF-8.
        self.done = Counter(readable_name(entry.path) for entry in entries)

    def take(self, path: str) -> bool:
        """Return whether a photo is done, and count it: a path that is given twice is stored twice."""
        name = readable_name(path)
        shown = str(escape_formula(name)) if self._header else name
        if not self.done[shown]:
            return False
        self.done[shown] -= 1
        return True

    def append(self, text: str) -> None:
        """Append the output of one photo completely, or raise ResultFileError and append nothing."""
        content = to_bytes(text)
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, end)
            raise ResultFileError(
                f"{self.path} cannot be written: {error.strerror}. Fix that and continue with --resume."
            ) from error

    def close(self) -> None:
        """Flush the file to disk and release its lock."""
        with contextlib.suppress(OSError):
            os.fsync(self._descriptor)
        os.close(self._descriptor)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResultFileError(f"Another run is writing to {self.path}. Wait for it.") from error
        except OSError:
            # A file system without locks.
            return

    def _read(self) -> tuple[list[_Entry], int]:
        """Return the complete photos, and the end of the last one.

        One row is in memory at a time: a file may have gigabytes.
        """
        with self.path.open("rb") as file:
            rows = _whole_rows(file, quoted=bool(self._header))
            return self._csv_entries(rows) if self._header else self._json_entries(rows)

    def _json_entries(self, rows: Iterator[tuple[int, bytes]]) -> tuple[list[_Entry], int]:
        entries: list[_Entry] = []
        end = 0
        for number, (start, line) in enumerate(rows, start=1):
            try:
                record: dict[str, Any] = json.loads(line)
                failed, time_s = record["error"] is not None, record.get("time_s")
                first = start
                if entries and entries[-1].goes_on_with(record):
                    before = entries.pop()
                    first, failed = before.start, before.failed or failed
                    time_s = before.time_s if time_s is None else time_s
                entries.append(_Entry(first, record["path"], failed, time_s))
                networks = [set(face["predictions"]) for face in record["faces"]]
                given = [set(face) for face in record["faces"]]
            except (ValueError, KeyError, TypeError) as error:
                if next(rows, None) is not None:
                    raise self._foreign(f"line {number:,} is no result of analyze") from error
                # What a crash of the machine may leave: the length, without the content.
                break
            end = start + len(line)
            if any(names != self._networks for names in networks):
                raise self._foreign(f"line {number:,} is by other networks")
            self._check_contents(number, given)
        with self.path.open("rb") as file:
            file.seek(end)
            torn = file.read(len(_JSON_START))
        if not _JSON_START.startswith(torn):
            raise self._foreign("its end is no result of analyze")
        if entries and entries[-1].time_s is not None:
            end = entries.pop().start
        return entries, end

    def _check_contents(self, number: int, faces: list[set[str]]) -> None:
        """Raise ResultFileError if faces, each with the names of its fields, are of other options."""
        wanted = self._contents
        for fields in faces:
            if ("measures" in fields) != (wanted.columns is FaceColumns.FULL):
                raise self._foreign(f"line {number:,} was written with other --columns")
            if ("landmarks" in fields) != wanted.landmarks:
                state = "without" if wanted.landmarks else "with"
                raise self._foreign(f"line {number:,} was written {state} --landmarks")

    def _csv_entries(self, rows: Iterator[tuple[int, bytes]]) -> tuple[list[_Entry], int]:
        headers = to_bytes(_MARK + self._header), to_bytes(self._header)
        first = next(rows, None)
        if first is None:
            begun = self.path.read_bytes()
            if any(header.startswith(begun) for header in headers):
                return [], 0
            raise self._foreign("it does not begin with the columns of analyze")
        columns = next(csv.reader([self._header]))
        if first[1] not in headers:
            raise self._other_columns(first[1], columns)
        end = len(first[1])
        path, face, failure = (columns.index(name) for name in ("path", "face", "error"))
        entries: list[_Entry] = []
        for number, (start, line) in enumerate(rows, start=2):
            cells = next(csv.reader([line.decode("utf-8", "surrogateescape")]), [])
            if len(cells) != len(columns):
                if next(rows, None) is None:
                    break
                raise self._foreign(f"row {number:,} is no result of analyze")
            end = start + len(line)
            if cells[face] in _FIRST_FACES:
                entries.append(_Entry(start, cells[path], bool(cells[failure])))
        return (entries[:-1], entries[-1].start) if entries else ([], end)

    def _other_columns(self, header: bytes, columns: list[str]) -> ResultFileError:
        """Return why a CSV file that does not begin with `columns` cannot be resumed."""
        found = header.decode("utf-8-sig", "replace").rstrip("\n").split(",")
        new = [name for name in columns if name.endswith(_LEVEL)]
        if found != [name for name in columns if name not in new]:
            return self._foreign("its columns are not those of this run")
        return ResultFileError(
            f"{self.path} cannot be resumed: an earlier version wrote it, without {' and '.join(new)}. Give "
            "another name; its photos are then analyzed again."
        )

    def _foreign(self, what: str) -> ResultFileError:
        return ResultFileError(
            f"{self.path} cannot be resumed: {what}. Give another name, or the options that it was "
            "written with."
        )


def to_bytes(text: str) -> bytes:
    """Return output in UTF-8; bytes of file names that are not UTF-8 are kept."""
    return text.encode("utf-8", "surrogateescape")


def json_line(record: dict[str, Any]) -> str:
    """Return a photo's JSON object as one line; bytes of names that are not UTF-8 are escaped."""
    line = json.dumps(record, ensure_ascii=False)
    return line.encode("utf-8", "backslashreplace").decode() + "\n"


def _whole_rows(file: Iterable[bytes], *, quoted: bool) -> Iterator[tuple[int, bytes]]:
    """Yield each complete row with its position.

    A line's end between quotes, of which a row has an even number, ends no row.
    """
    start, place, is_open = 0, 0, False
    lines: list[bytes] = []
    for line in file:
        lines.append(line)
        place += len(line)
        is_open ^= quoted and line.count(b'"') % 2 == 1
        if line.endswith(b"\n") and not is_open:
            yield start, b"".join(lines)
            start, lines = place, []
