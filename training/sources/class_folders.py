"""Folders with one sub-folder per class, the layout that most data sets are passed on in."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from fer_core.crops import resize_crop
from fer_core.errors import DataError, ImageDecodeError, UnknownNameError
from fer_core.expressions import FER2013, FERPLUS, Expression, LabelSpace, parse_expression
from fer_core.images import ACCEPTED_SUFFIXES, decode
from training.sources.base import Samples, Split

NAME: Final = "folder"
_SPLIT_FOLDERS: Final = {
    Split.TRAIN: ("train", "training"),
    Split.VALID: ("valid", "val", "validation", "publictest"),
    Split.TEST: ("test", "testing", "privatetest"),
}


def load(folder: Path) -> Samples:
    """Read a folder of class folders as one test set; images of any size are taken as face crops.

    The label space is FER2013's, or FER+'s if there is a contempt folder with images in it.

    Raises:
        DataError: the folder is missing, holds no class folder, a class folder with an unknown name,
            or an unreadable image; the message names it and the mend.
    """
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}. Give folder:PATH with one sub-folder per class."
        )
    names = {path.name.strip().lower() for path in _class_folders(folder)}
    label_space = FERPLUS if Expression.CONTEMPT in names else FER2013
    images, labels = read_class_folder(folder, label_space)
    return Samples(
        source=NAME,
        split=Split.TEST,
        label_space=label_space,
        images=images,
        labels=labels,
        rows=np.arange(len(images), dtype=np.int64),
        clean=np.ones(len(images), bool),
        is_face=np.ones(len(images), bool),
    )


def find_split_folder(root: Path, split: Split) -> Path | None:
    """Return the sub-folder of `root` that holds a split, by any of its usual names; None without."""
    if not root.is_dir():
        return None
    by_name = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
    return next((by_name[name] for name in _SPLIT_FOLDERS[split] if name in by_name), None)


def read_class_folder(folder: Path, label_space: LabelSpace) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (N, 48, 48) and int64 labels (N,), by class folder, then by file name."""
    classes = _class_folders(folder)
    if not classes:
        raise DataError(
            f"{folder} holds no class folders with images ({', '.join(ACCEPTED_SUFFIXES)}). Expected "
            f"one sub-folder per class, for instance {', '.join(label_space.labels)}."
        )
    images: list[np.ndarray] = []
    labels: list[int] = []
    for class_folder, files in classes.items():
        try:
            label = label_space.index(parse_expression(class_folder.name))
        except UnknownNameError as error:
            raise DataError(f"{class_folder}: {error} Rename or remove that folder.") from error
        images.extend(_read_grey(path) for path in files)
        labels.extend([label] * len(files))
    return np.stack(images), np.array(labels, dtype=np.int64)


def _class_folders(folder: Path) -> dict[Path, list[Path]]:
    """Return the image files of every visible sub-folder that has any."""
    found = {
        path: sorted(file for file in path.iterdir() if file.suffix.lower() in ACCEPTED_SUFFIXES)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
    return {path: files for path, files in found.items() if files}


def _read_grey(path: Path) -> np.ndarray:
    """Return a face crop of any size and format as uint8 (48, 48), read as the application reads it."""
    try:
        photo = decode(path.read_bytes())
    except (ImageDecodeError, OSError) as error:
        raise DataError(f"{path}: {error} Replace or remove it.") from error
    return resize_crop(cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY))
