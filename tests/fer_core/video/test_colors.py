"""HDR becomes SDR: the formulas against published values, and the filter against the formulas."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc

from fer_core.video.colors import ColorConverter, to_sdr
from fer_core.video.reading import VideoReader
from tests.clips import clip, in_hdr

HLG, PQ = int(ColorTrc.ARIB_STD_B67), int(ColorTrc.SMPTE2084)
BT2020, BT709 = int(ColorPrimaries.BT2020), int(ColorPrimaries.BT709)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[::4, ::4])


@pytest.mark.parametrize(("transfer", "white"), [(PQ, 0.5807), (HLG, 0.75)])
def test_grey_stays_grey_and_white_is_where_bt_2408_puts_it(transfer, white):
    ramp = np.linspace(0, 1, 101)[:, None].repeat(3, axis=1)
    grey = to_sdr(ramp, transfer, BT2020)
    np.testing.assert_allclose(grey, grey[:, :1].repeat(3, axis=1), atol=2e-3)
    assert (np.diff(grey[:, 0]) >= 0).all()
    assert grey[0, 0] == pytest.approx(0, abs=1e-3)
    # 1,000 nits: HLG's peak, and 0.7518 of PQ's signal.
    assert to_sdr(np.full((1, 3), 1.0 if transfer == HLG else 0.7519), transfer, BT2020)[
        0, 0
    ] == pytest.approx(1, abs=2e-3)
    # The white of SDR makes room for what is brighter: 159 of 203 nits are left to it.
    assert to_sdr(np.full((1, 3), white), transfer, BT2020)[0, 0] == pytest.approx(0.895, abs=0.01)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_dark_and_middle_colours_come_back_exactly(transfer):
    # Up to 170 of 255, 81 nits, all of them lie below the knee.
    colors = np.random.default_rng(0).integers(0, 171, (1000, 3))
    back = 255 * to_sdr(in_hdr(colors, transfer) / 65535, transfer, BT2020)
    np.testing.assert_allclose(back, colors, atol=1)


def test_primaries_that_are_those_of_sdr_are_kept():
    red = np.array([[0.4, 0.1, 0.1]])
    kept, wide = (to_sdr(red, PQ, primaries)[0] for primaries in (BT709, BT2020))
    assert wide[0] > kept[0]
    assert wide[1] < kept[1]
    np.testing.assert_array_equal(to_sdr(red, PQ, 0)[0], wide)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_video_in_hdr_looks_like_the_photo_that_it_was_made_of(photo, transfer):
    content = clip([in_hdr(photo, transfer)] * 2, pixels="yuv420p10le", hdr=transfer)
    untold = clip([in_hdr(photo, transfer)] * 2, pixels="yuv420p10le")
    with VideoReader(content) as reader, VideoReader(untold) as plain:
        first, _ = (frame.photo.rgb for frame in reader.frames(100))
        dull = next(plain.frames()).photo.rgb
    assert difference(first, photo) < 9
    assert difference(dull, photo) > 2 * difference(first, photo)


@pytest.mark.parametrize("form", ["rgb48le", "rgba64le"])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_the_filter_gives_what_the_formulas_give(photo, transfer, form):
    signal = in_hdr(photo, transfer)
    pixels = signal
    if form == "rgba64le":
        pixels = np.dstack([signal, np.full(photo.shape[:2], 0x8080, np.uint16)])
    frame = av.VideoFrame.from_ndarray(pixels, format=form)
    frame.color_trc, frame.color_primaries = transfer, BT2020
    colors = ColorConverter()
    for _ in range(2):
        found = colors.to_rgb(frame, frame.width)
        error = np.abs(found[..., :3] - 255 * to_sdr(signal / 65535, transfer, BT2020))
        assert error.max() < 6
        assert error.mean() < 0.6
        if form == "rgba64le":
            assert np.abs(found[..., 3].astype(int) - 0x80).max() <= 1


def test_a_converter_follows_a_change_of_size_and_of_transfer(photo):
    colors = ColorConverter()
    for step, transfer in ((1, HLG), (2, PQ), (1, 1), (2, PQ)):
        small = np.ascontiguousarray(photo[::step, ::step])
        pixels = small.astype(np.uint16) * 257 if transfer == 1 else in_hdr(small, transfer)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
        frame.color_trc = transfer
        assert difference(colors.to_rgb(frame, frame.width), small) < 9
