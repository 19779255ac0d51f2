"""What a batch's uploads hold, within the limits of a visit."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from fer_core.batch.inputs import PhotoBytes, PhotoSource, Refused, kind_of, uploaded_photos
from fer_core.batch.skipped import Skipped
from fer_core.content import Kind

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MAX_PHOTOS: Final = 500
#: Of all uploads of one batch, in units of 1,000,000 bytes: they stay in memory until they are removed.
MAX_MEGABYTES: Final = 1000


@dataclass(slots=True, eq=False)
class Taken:
    """The content of a batch's uploads.

    Attributes:
        files: the photos, by key.
        videos: by key.
        skipped: counts what else is in the zips.
        n_left_out: photos beyond MAX_PHOTOS.
        n_bytes: size of all uploads within MAX_MEGABYTES.
        refused: names of the uploads beyond MAX_MEGABYTES, by `file_id`; their bytes are deleted.
        listed: `file_id` of each upload that the widget lists.
    """

    files: dict[str, PhotoSource] = field(default_factory=dict)
    videos: dict[str, PhotoBytes] = field(default_factory=dict)
    skipped: Skipped = field(default_factory=Skipped)
    n_left_out: int = 0
    n_bytes: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    listed: tuple[str, ...] = ()

    def copy(self) -> "Taken":
        """Return a copy that more can be added to; what was uploaded is not copied."""
        return replace(
            self,
            files=self.files.copy(),
            videos=self.videos.copy(),
            skipped=deepcopy(self.skipped),
            refused=self.refused.copy(),
        )

    def add(self, upload: "UploadedFile") -> None:
        """Add an upload, or the reason why it is too much."""
        content = upload.getvalue()
        if self.n_bytes + len(content) > MAX_MEGABYTES * 1_000_000:
            self.refuse(upload.file_id, upload.name)
            return
        self.n_bytes += len(content)
        if kind_of(content, upload.name) in (Kind.VIDEO, Kind.ANIMATION):
            self.videos[upload.file_id] = PhotoBytes(upload.name, content)
            return
        self._add_photos(upload.file_id, uploaded_photos(upload.name, content, self.skipped))

    def refuse(self, file_id: str, name: str) -> None:
        """Add the reason why an upload is too much."""
        self.refused[file_id] = name
        limit = f"This file exceeds the limit of {MAX_MEGABYTES:,} MB per batch."
        self._add_photos(
            file_id, [Refused(name, f"{limit} Remove other files and upload it again.")]
        )

    def _add_photos(self, file_id: str, photos: Iterable[PhotoSource]) -> None:
        for i, photo in enumerate(photos):
            if len(self.files) < MAX_PHOTOS:
                self.files[f"{file_id}/{i}"] = photo
            else:
                self.n_left_out += 1
