"""What the tests of measurements share."""

import pytest

from training.sources import Samples, Split, load


@pytest.fixture
def samples(generated_data, monkeypatch: pytest.MonkeyPatch) -> Samples:
    """The test split of a generated FER2013, where FER_DATA points."""
    monkeypatch.setenv("FER_DATA", str(generated_data))
    return load("fer2013", Split.TEST)
