"""What the command line is pointed at: files, folders and zips of photos, one after the other."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fer_core.errors import ImageDecodeError
from fer_core.images import ACCEPTED_SUFFIXES

#: Largest file that is read into memory. Photos are a tenth of it at most; the rest is a mistake.
MAX_FILE_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One photo that has not been read yet.

    Attributes:
        name: the path, for output; a photo in a zip is `zip/path/in/zip`.
        path: the file, or the zip that holds it.
        member: path inside the zip; None for a plain file.
    """

    name: str
    path: Path
    member: str | None = None

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had."""
        try:
            if self.member is None:
                _check_size(self.path.stat().st_size)
                return self.path.read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                _check_size(archive.getinfo(self.member).file_size)
                return archive.read(self.member)
        except FileNotFoundError as error:
            raise ImageDecodeError("There is no such file. Check the path.") from error
        except IsADirectoryError as error:
            raise ImageDecodeError("This folder holds no photos. Give another path.") from error
        except RuntimeError as error:  # an encrypted member
            raise ImageDecodeError(
                "The photo in the zip is protected by a password. Unpack it first."
            ) from error
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise ImageDecodeError(f"The file cannot be read ({error}).") from error


def _check_size(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ImageDecodeError(
            f"The file has {size / 1e6:.0f} MB, where {MAX_FILE_BYTES / 1e6:.0f} MB are the most."
        )


def photo_files(paths: list[Path]) -> Iterator[PhotoFile]:
    """Yield the photos under `paths`, in order; folders and zips by name, and all the way down.

    A path with nothing to read behind it is yielded as it is, so that its `read` says why.
    """
    for path in paths:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if _is_photo(p.name) and p.is_file())
            yield from (PhotoFile(str(p), p) for p in files)
            if not files:
                yield PhotoFile(str(path), path)
        elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                members = sorted(name for name in archive.namelist() if _is_photo(name))
            yield from (PhotoFile(f"{path}/{m}", path, m) for m in members)
            if not members:
                yield PhotoFile(str(path), path)
        else:
            yield PhotoFile(str(path), path)


def _is_photo(name: str) -> bool:
    # Archives made on a Mac carry a "._" file of metadata beside each photo.
    return name.lower().endswith(ACCEPTED_SUFFIXES) and not name.split("/")[-1].startswith("._")
