"""Published data sets in class folders, declared by records.

Expected are folders of splits with one sub-folder per class in each, of images of any size and colour, each
showing one face. They become grey 48x48 by the project's one resize, as a user's own folder does
(`training.sources.class_folders`). `training.sources.rafdb` is an example.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_core.errors import DataError
from fer_core.expressions import Expression
from training.sources.base import Samples, Split, hundredth_of
from training.sources.class_folders import (
    SPLIT_FOLDERS,
    class_files,
    find_split_folder,
    is_class,
    read_class_folder,
)
from training.sources.copies import copies_in
from training.sources.source import MissingDataError, Source, not_found

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolderSource(Source):
    """A data set in class folders.

    One without a training split has its class folders in one of `places` itself, or in a folder for test.

    Attributes:
        places: folders under the data root that may hold it; the first that does is read.
        class_names: names of the class folders with what they mean; None if they are expressions.
        split_folders: names of the folders of splits, in lower case.
        validation_percent: of the training images that are for validation, chosen by a hash of class folder
            and file name, where the data set has no validation split of its own.
        counts: how many images the official folders hold. Where there are others, a warning says so.
    """

    places: tuple[str, ...]
    class_names: Mapping[str, Expression] | None = None
    split_folders: Mapping[Split, tuple[str, ...]] = field(default_factory=lambda: SPLIT_FOLDERS)
    validation_percent: int = 0
    counts: Mapping[Split, int] = field(default_factory=dict)

    def load(self, root: Path, split: Split) -> Samples:
        """Read one split; rows are numbered by class folder, then by file name, in each split's folder.

        Raises:
            DataError: it is not there, has no such split, a class folder is empty or has an unknown name,
                or an image is unreadable; the message names it and the mend.
        """
        if split not in self.splits:
            raise DataError(
                f"{self.title} has no {split} split; it has {', '.join(self.splits)}. Use "
                f"{self.name}:{self.splits[-1]}."
            )
        folder = self._folder(root, split)
        images, labels = read_class_folder(folder, self.label_space, self.class_names)
        self._warn_of_other_images(folder, split, len(images))
        rows = np.flatnonzero(self._is_of(split, folder))
        if not len(rows):
            raise MissingDataError(
                f"None of the {len(images):,} images in {folder} is for the {split} split by the hash of "
                f"its name. Is {self.title} whole, and are names the original ones?\nDownload: {self.page}"
            )
        clean = np.ones(len(rows), bool)
        if split is not Split.TRAIN and Split.TRAIN in self.splits:
            clean = ~copies_in(images[rows], self._training_images(root, folder, images))
        return Samples(
            source=self.name,
            split=split,
            label_space=self.label_space,
            images=images[rows],
            labels=labels[rows],
            rows=rows.astype(np.int64),
            clean=clean,
            is_face=np.ones(len(rows), bool),
        )

    def training_files(self, root: Path) -> tuple[str, ...]:
        """Return the images for training and validation, relative to the data root.

        Raises:
            DataError: they are not there, or the data set is not learnt from.
        """
        if Split.TRAIN not in self.splits:
            raise DataError(f"{self.title} is measured on and never learnt from.")
        folders = dict.fromkeys(
            self._folder(root, split) for split in self.splits if split is not Split.TEST
        )
        return tuple(
            file.relative_to(root).as_posix()
            for folder in folders
            for files in class_files(folder, self.class_names).values()
            for file in files
        )

    def _folder(self, root: Path, split: Split) -> Path:
        """Return the folder that a split is read from; raise MissingDataError."""
        part = Split.TRAIN if split is Split.VALID and self.validation_percent else split
        place = next((root / name for name in self.places if self._lies_in(root / name)), None)
        what, looked_in = self.title, root / self.places[0]
        if place is not None:
            if folder := find_split_folder(place, part, self.split_folders):
                return folder
            if self.is_whole:
                return place
            what, looked_in = f"{self.title}'s {part} split", place
        raise not_found(what, looked_in, expected=self._expected(root), page=self.page)

    def _lies_in(self, place: Path) -> bool:
        """Return whether a place has class folders of this data set, itself or in folders of splits."""
        parts = [find_split_folder(place, split, self.split_folders) for split in Split]
        inside = [place, *(part for part in parts if part)] if place.is_dir() else []
        return any(
            is_class(path.name, self.class_names) for part in inside for path in part.iterdir()
        )

    def _expected(self, root: Path) -> str:
        """Return the layout in words, a line for each folder of a split."""
        name = next(iter(self.class_names or self.label_space.labels))
        lines = [
            f"{root / self.places[0] / self.split_folders[split][0] / name}/*.jpg, ..."
            for split in self.splits
            if split is not Split.VALID or not self.validation_percent
        ]
        return "\n  ".join(["class folders named by split", *lines])

    def _is_of(self, split: Split, folder: Path) -> np.ndarray:
        """Return bool (N,), which images of a split's folder are of that split."""
        files = [file for part in class_files(folder, self.class_names).values() for file in part]
        if split is Split.TEST or not self.validation_percent:
            return np.ones(len(files), bool)
        names = (f"{file.parent.name}/{file.name}" for file in files)
        held_out = np.array([hundredth_of(name) < self.validation_percent for name in names], bool)
        return held_out if split is Split.VALID else ~held_out

    def _training_images(self, root: Path, folder: Path, images: np.ndarray) -> np.ndarray:
        """Return the images for training; `images` are those that were read from `folder`."""
        training = self._folder(root, Split.TRAIN)
        if training != folder:
            images, _ = read_class_folder(training, self.label_space, self.class_names)
        result: np.ndarray = images[self._is_of(Split.TRAIN, training)]
        return result

    def _warn_of_other_images(self, folder: Path, split: Split, n: int) -> None:
        official = Split.TRAIN if split is Split.VALID and self.validation_percent else split
        if (expected := self.counts.get(official, n)) != n:
            log.warning(
                "%s holds %s images and %s's official split %s: these are not the faces that published "
                "figures are about",
                folder,
                f"{n:,}",
                self.title,
                f"{expected:,}",
            )
