"""Folders with one sub-folder per class, the layout that most data sets are passed on in.

A user's own folder is a source by itself, `folder:PATH`, in one of two layouts:

- `PATH/{angry,happy,...}/*`: one set of class folders, which is a test split;
- `PATH/{train,validation,test}/{angry,happy,...}/*`: class folders named by split, not all of which need be
  there (for instance "Face expression recognition" on Kaggle has train and validation).

A published data set in this layout has a record of its own: `training.sources.class_folder_source`.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from fer_core.content import Kind, check_is_photo, content_of, is_system_file, kind_of_unknown
from fer_core.errors import DataError, ImageDecodeError, UnknownNameError
from fer_core.expressions import FER2013, FERPLUS, Expression, LabelSpace, parse_expression
from fer_core.faces.crops import resize_crop
from fer_core.photos.decode import decode
from training.sources.base import Samples, Split
from training.sources.copies import copies_in

log = logging.getLogger(__name__)

NAME: Final = "folder"
#: What the folders of splits are called, in lower case.
SPLIT_FOLDERS: Final = {
    Split.TRAIN: ("train", "training"),
    Split.VALID: ("valid", "val", "validation", "publictest"),
    Split.TEST: ("test", "testing", "privatetest"),
}
#: Most unreadable images that an error names.
_LISTED: Final = 20


def load(folder: Path, split: Split = Split.TEST) -> Samples:
    """Read one split of a user's folder; images of any size are taken as face crops.

    The label space is FER2013's, or FER+'s if any split has a contempt folder with images in it. Rows
    are numbered by class folder, then by file name.

    Raises:
        DataError: the folder or the split is missing, a class folder is empty or has an unknown name, or
            images are unreadable; the message names them and the mend.
    """
    present = splits_in(folder)
    if split not in present:
        raise DataError(_no_split(folder, split, present))
    parts = {part: find_split_folder(folder, part) or folder for part in present}
    label_space = _label_space_of(list(parts.values()))
    images, labels, clean = read_split(parts, split, label_space)
    if split is Split.TRAIN:
        _warn_of_classes_without_images(folder, labels, label_space)
    return Samples(
        source=f"{NAME}:{folder}",
        split=split,
        label_space=label_space,
        images=images,
        labels=labels,
        rows=np.arange(len(images), dtype=np.int64),
        clean=clean,
        is_face=np.ones(len(images), bool),
    )


def read_split(
    parts: dict[Split, Path], split: Split, label_space: LabelSpace
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images, labels and `Samples.clean` of the class folders of a split.

    Args:
        parts: where the splits lie; without the training split, all rows are called clean.
        split: one of them.
        label_space: of the labels.

    Raises:
        DataError: as `read_class_folder`.
    """
    images, labels = read_class_folder(parts[split], label_space)
    clean = np.ones(len(images), bool)
    if split is not Split.TRAIN and Split.TRAIN in parts:
        clean = ~copies_in(images, read_class_folder(parts[Split.TRAIN], label_space)[0])
    return images, labels, clean


def splits_in(folder: Path) -> tuple[Split, ...]:
    """Return the splits of a user's folder: those with a sub-folder, or test alone if none has any.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}. Give {NAME}:PATH with one sub-folder per class, or with train "
            "and validation folders that have such sub-folders."
        )
    return tuple(split for split in Split if find_split_folder(folder, split)) or (Split.TEST,)


def _warn_of_classes_without_images(
    folder: Path, labels: np.ndarray, label_space: LabelSpace
) -> None:
    if missing := [name for i, name in enumerate(label_space.labels) if i not in labels]:
        log.warning(
            "%s has no training images of %s: what is trained on it will never answer so",
            folder,
            ", ".join(missing),
        )


def _no_split(folder: Path, split: Split, present: tuple[Split, ...]) -> str:
    if find_split_folder(folder, present[0]) is None:
        return (
            f"{folder} is one set of class folders, which is measured on as a whole and has no {split} "
            f"split. To train on it, make {folder}/train and {folder}/validation with one sub-folder per "
            "class in each."
        )
    return (
        f"{folder} has no folder for the {split} split, which may be called "
        f"{', '.join(SPLIT_FOLDERS[split])}; it has "
        f"{', '.join(path.name for part in present if (path := find_split_folder(folder, part)))}. Add it "
        "with one sub-folder per class."
    )


def _label_space_of(parts: list[Path]) -> LabelSpace:
    """Return a common label space for all parts of a data set."""
    names = {path.name.strip().lower() for part in parts for path in class_files(part)}
    return FERPLUS if Expression.CONTEMPT in names else FER2013


def find_split_folder(
    root: Path, split: Split, names: Mapping[Split, tuple[str, ...]] = SPLIT_FOLDERS
) -> Path | None:
    """Return the sub-folder of `root` that holds a split, by any of its names; None without."""
    if not root.is_dir():
        return None
    by_name = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
    return next((by_name[name] for name in names[split] if name in by_name), None)


def read_class_folder(
    folder: Path, label_space: LabelSpace, class_names: Mapping[str, Expression] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (N, 48, 48) and int64 labels (N,), by class folder, then by file name.

    Args:
        folder: holds the class folders.
        label_space: of the labels.
        class_names: names of the class folders with what they mean; None if they are expressions.

    Raises:
        DataError: there is no class folder, one is empty or has an unknown name, or images are
            unreadable.
    """
    classes = class_files(folder, class_names)
    expected = ", ".join(class_names or label_space.labels)
    if not classes:
        found = ", ".join(path.name for path in sorted(folder.iterdir())[:8]) or "nothing"
        raise DataError(
            f"{folder} holds no class folders with images, found {found}. "
            f"Expected one sub-folder per class, for instance {expected}."
        )
    images: list[np.ndarray] = []
    labels: list[int] = []
    unreadable: list[str] = []
    for class_folder, files in classes.items():
        try:
            if class_names is None:
                label = label_space.index(class_folder.name)
            else:
                label = label_space.index(class_names[class_folder.name])
        except UnknownNameError as error:
            raise DataError(f"{class_folder}: {error} Rename or remove that folder.") from error
        except KeyError:
            raise DataError(
                f"{class_folder} is no class folder of this data set, which has {expected}. Rename or "
                "remove that folder."
            ) from None
        for path in files:
            try:
                images.append(_read_grey(path))
                labels.append(label)
            except (ImageDecodeError, OSError) as error:
                unreadable.append(f"{path}: {error}")
    if unreadable:
        raise DataError(_not_readable(unreadable))
    return np.stack(images), np.array(labels, dtype=np.int64)


def class_files(
    folder: Path, class_names: Mapping[str, Expression] | None = None
) -> dict[Path, list[Path]]:
    """Return the image files of each class folder, in the order of `read_class_folder`.

    Passed over are hidden folders, system files such as `._0.png`, files that are no photos, and folders
    without images that are not named by a class.

    Args:
        folder: holds the class folders.
        class_names: names of the class folders; None if they are expressions.

    Raises:
        DataError: other class folders have images and one that is named by a class has none.
    """
    found = {
        path: sorted(file for file in path.iterdir() if _is_photo(file))
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".") and not is_system_file(path.name)
    }
    classes = {path: files for path, files in found.items() if files}
    empty = [
        path for path, files in found.items() if not files and is_class(path.name, class_names)
    ]
    if classes and empty:
        raise DataError(
            f"The class folder {empty[0]} holds no images. Put that class's images there, or remove the "
            "folder if there are none."
        )
    return classes


def is_class(name: str, class_names: Mapping[str, Expression] | None = None) -> bool:
    """Return whether a folder is named by one of the classes, or by an expression where these are None."""
    if class_names is not None:
        return name in class_names
    try:
        parse_expression(name)
    except UnknownNameError:
        return False
    return True


def _is_photo(file: Path) -> bool:
    """Return whether a file is an image or is named like one; reading it reports errors."""
    if is_system_file(file.name) or not file.is_file():
        return False
    if kind_of_unknown(file.name) is Kind.PHOTO:
        return True
    try:
        return content_of(file).kind in (Kind.PHOTO, Kind.ANIMATION)
    except OSError:
        return False


def _not_readable(unreadable: list[str]) -> str:
    """Return what is said of images that could not be read, each given as "PATH: reason"."""
    if len(unreadable) == 1:
        return f"{unreadable[0]} Replace or remove it."
    more = len(unreadable) - _LISTED
    lines = [*unreadable[:_LISTED], *([f"{more:,} more"] if more > 0 else [])]
    return "\n".join(
        [f"{len(unreadable):,} images cannot be read. Replace or remove them:", *lines]
    )


def _read_grey(path: Path) -> np.ndarray:
    """Return a face crop of any size and format as uint8 (48, 48), read like in the app.

    Raises:
        ImageDecodeError: it is not a readable image.
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    check_is_photo(content)
    return resize_crop(cv2.cvtColor(decode(content).rgb, cv2.COLOR_RGB2GRAY))
