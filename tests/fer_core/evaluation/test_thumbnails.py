"""A file of thumbnails gives each row its image, says what is wrong with it, and need not be there."""

import cv2
import numpy as np
import pandas as pd
import pytest

from fer_core.errors import DataError
from fer_core.evaluation.thumbnails import read_thumbnails, thumbnails_path, write_thumbnails

ROWS = np.array([32300, 32301, 32298])


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file of three flat images of 40, 80 and 120, whose rows are in no order."""
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    images = [
        cv2.imencode(".jpg", np.full((48, 48), grey, np.uint8))[1].tobytes()
        for grey in (40, 80, 120)
    ]
    path = thumbnails_path("fer2013", "test")
    write_thumbnails(ROWS, images, path)
    return path


def test_each_row_gives_its_own_image(path):
    thumbnails = read_thumbnails("fer2013", "test")
    assert len(thumbnails) == 3
    for row, grey in zip(ROWS, (40, 80, 120), strict=True):
        code = np.frombuffer(thumbnails.image(row), np.uint8)
        image = cv2.imdecode(code, cv2.IMREAD_UNCHANGED)
        assert image.shape == (48, 48)
        assert abs(int(image.mean()) - grey) <= 1
    assert 32299 not in thumbnails
    with pytest.raises(DataError, match="no thumbnail of row 32299"):
        thumbnails.image(32299)


def test_where_there_is_no_file_there_are_no_thumbnails(path):
    assert read_thumbnails("fer2013", "valid") is None
    assert read_thumbnails("ckplus", "test") is None


def changed(**columns):
    return lambda path: pd.read_parquet(path).assign(**columns).to_parquet(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "not a readable file"),
        (lambda path: pd.read_parquet(path)[["row"]].to_parquet(path), "lacks the column image"),
        (changed(row=[1, 2, 1]), "a row is there twice"),
        (changed(row=["a", "b", "c"]), "not a readable file"),
        (changed(image=[b"\xff\xd8\xff", b"PNG", b""]), "no JPEG at position 1"),
        (changed(image=[b"\xff\xd8\xff", None, b"\xff\xd8\xff"]), "image has empty values"),
    ],
)
def test_a_broken_file_is_explained_with_the_mend(path, spoil, message):
    spoil(path)
    with pytest.raises(DataError, match=message) as caught:
        read_thumbnails("fer2013", "test")
    assert "training thumbnails fer2013:test" in str(caught.value)
