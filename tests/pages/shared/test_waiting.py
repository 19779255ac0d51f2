"""Photos that wait: what a visitor is told, and that nothing given is lost where too many wait."""

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.batch.photo_queue import PhotoQueue, Wait
from pages.shared import waiting
from tests.conftest import NAVIGATION


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(0, None), "Your photo is next"),
        (Wait(1, None), "1 photo is ahead of yours"),
        (Wait(7, 3.6), "7 photos are ahead of yours, about 4 s"),
        (Wait(7, 0.01), "7 photos are ahead of yours, about 1 s"),
    ],
)
def test_a_place_in_the_line_in_words(wait, words):
    assert waiting.in_words(wait) == words


def test_who_is_turned_away_keeps_the_photo_and_asks_again(monkeypatch):
    page = AppTest.from_file(str(NAVIGATION), default_timeout=120).run()
    full = PhotoQueue(places=1, longest=0)
    monkeypatch.setattr(waiting, "photo_queue", lambda: full)
    page.button[0].click().run()
    (warning,) = page.warning
    assert "0 photos are already waiting" in warning.value
    assert not page.metric
    monkeypatch.undo()
    (again,) = (button for button in page.button if button.label == "Try again")
    again.click().run()
    assert not page.warning
    assert [metric.value for metric in page.metric] == ["Happy"]
