"""The worst of the corpus on the page: what cannot be read is said, and the page goes on."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import NAVIGATION
from tests.corpus import Fate, Specimen

#: Each a way of its own to fail, or to be read after all.
CHOSEN = {
    "whole_face.jpg",
    "whole_face.heic",
    "cut_face_0_quarters.jpg",
    "cut_face_3_quarters.png",
    "cut_coffee_2_quarters.gif",
    "jpeg_called.avif",
    "heif_called.gif",
    "mode_16_bit_rgb.png",
    "mode_palette_alpha.png",
    "mode_rgba_clear.png",
    "tiff_cmyk.tif",
    "tiff_float_holes.tif",
    "animated.webp",
    "orientation_6.jpg",
    "orientation_65535.jpg",
    "exif_8_mb.webp",
    "exif_not_exif.png",
    "shape_1x1.png",
    "shape_1x300.png",
    "shape_60000x20.png",
    "shape_70000x1.png",
    "bomb_7300.png",
    "scans_200.jpg",
    "parts_one_comment.gif",
    "lying.heic",
    "no_image_zip.jpg",
    "no_image_svg.png",
    "no_image_html.png",
    "polyglot_html.jpg",
    "exif_markup.jpg",
}


@pytest.fixture(scope="module")
def chosen(corpus: list[Specimen]) -> list[Specimen]:
    found = [specimen for specimen in corpus if specimen.name in CHOSEN]
    assert {specimen.name for specimen in found} == CHOSEN
    return found


@pytest.mark.slow
@pytest.mark.release
def test_bad_files_are_explained_and_odd_ones_shown(chosen):
    app = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    files = [(s.name, s.content, "image/png") for s in chosen]
    page = app.file_uploader[0].set_value(files).run()
    assert not page.exception
    refused = [s.name for s in chosen if s.fate is Fate.REFUSED]
    assert len(page.error) == len(refused)
    for name in refused:
        assert any(error.value.startswith(f"`{name}`: ") for error in page.error), name
    assert any(re.search(r"The limit is \d+ megapixels", e.value) for e in page.error)
    shown = [str(button.key) for button in page.button if str(button.key).startswith("show_")]
    assert len(shown) == len(chosen) - len(refused)
    for key in shown:
        page.button(key=key).click().run()
        assert not page.exception, key
