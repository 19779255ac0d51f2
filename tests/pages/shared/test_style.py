"""Captions and primary buttons meet WCAG AA in both themes."""

import tomllib

import pytest

from pages.shared.style import CAPTION_SHARE, PRIMARY_HOVER, PRIMARY_TEXT
from tests.conftest import PROJECT
from tests.fer_core.views.test_style import contrast


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_captions_stand_out_from_every_ground(theme):
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    for ground in (config["backgroundColor"], config["secondaryBackgroundColor"]):
        pairs = zip(_parts(config["textColor"]), _parts(ground), strict=True)
        mixed = [round(CAPTION_SHARE / 100 * a + (1 - CAPTION_SHARE / 100) * b) for a, b in pairs]
        assert contrast("#" + "".join(f"{part:02x}" for part in mixed), ground) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_text_of_primary_buttons_stands_out_from_their_ground(theme):
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    i = ["light", "dark"].index(theme)
    for ground in (config["primaryColor"], PRIMARY_HOVER[i]):
        assert contrast(PRIMARY_TEXT[i], ground) >= 4.5


def _parts(color):
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]
