"""Thumbnails of a data set's faces, for galleries of wrong predictions."""

from pathlib import Path
from typing import Final

import cv2

from fer_core.errors import DataError
from fer_core.evaluation.thumbnails import thumbnails_path, write_thumbnails
from training import sources

#: Of the JPEG files: FER2013's 3,589 test images take 3.3 MB so, and with 95 they would take 4.9.
QUALITY: Final = 85


def make_thumbnails(source: str, split: sources.Split) -> Path:
    """Write the thumbnails of a split's images, 48 pixels wide and grey, and return their file.

    Those of a source that relabels another's images are that one's.

    Raises:
        DataError: the data set's terms do not let faces be shown, or it cannot be read.
        UnknownNameError: no source is called that.
    """
    _require_may_show(source)
    samples = sources.load(sources.images_of(source), split)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    images = [cv2.imencode(".jpg", image, options)[1].tobytes() for image in samples.images]
    path = thumbnails_path(source, split)
    write_thumbnails(samples.rows, images, path)
    return path


def _require_may_show(source: str) -> None:
    if reason := sources.hidden_because(source):
        shown = [name for name in sources.SOURCES if not sources.hidden_because(name)]
        raise DataError(
            f"No thumbnails are kept of {source}: {reason}. They are kept of {' and '.join(shown)}."
        )
