"""From a decoder's frame to SDR pixels: HDR (HLG and PQ) is tone-mapped, other frames are converted.

The mapping: the light that a screen of 1,000 nits shows (Recommendation ITU-R BT.2100), in BT.709's
primaries, its highlights rolled off to the white of SDR, 203 nits (Report ITU-R BT.2408), by the curve of
Report ITU-R BT.2390, section 5.4.1. Light below 87 nits stays exactly as it is. The curve is applied to the
largest of red, green and blue, and the others follow in proportion, so that hues stay.

A table of the whole mapping is made once, and FFmpeg looks the frames up in it. FFmpeg's own ways serve
worse: its scaler maps HDR as well but takes seconds to begin, and its filter `tonemap` needs linear light,
which the filter zscale would make and PyAV's build does not have. Measured in
`tests/benchmarks/video_colors.py`.
"""

from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import Final

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, VideoReformatter

#: Light in nits of SDR's white, and of the brightest that is kept of HDR.
_WHITE: Final = 203.0
_PEAK: Final = 1000.0
#: The table has the square of this, 49, values a channel: it is off by at most 5 grey values of 255.
_TABLE_LEVEL: Final = 7
#: FFmpeg's numbers of the matrices from YUV that it converts from, in `AVColorSpace`.
_MATRICES: Final = (0, 1, 2, 4, 5, 6, 7, 9)
_UNSPECIFIED_MATRIX: Final = 2
_TRANSFERS: Final = frozenset(map(int, ColorTrc))
_NAMED_PRIMARIES: Final = frozenset(map(int, ColorPrimaries))
#: Of the numbers that frames have as times in the filter.
_CLOCK: Final = Fraction(1)

_HDR: Final = frozenset({ColorTrc.ARIB_STD_B67, ColorTrc.SMPTE2084})
#: Chromaticities (x, y) of red, green and blue, and of white.
_BT709: Final = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_BT2020: Final = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
_DISPLAY_P3: Final = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_D65: Final = (0.3127, 0.3290)
#: HDR that says nothing of its primaries has BT.2020's.
_PRIMARIES: Final[dict[int, tuple[tuple[float, float], ...]]] = {
    ColorPrimaries.BT709: _BT709,
    ColorPrimaries.SMPTE432: _DISPLAY_P3,
}


class ColorConverter:
    """Converts frames to SDR RGB. Use one instance for all frames of a video, since setup takes time."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self._from_video, self._from_mapped = VideoReformatter(), VideoReformatter()
        self._mapper: _Mapper | None = None

    def to_rgb(self, frame: VideoFrame, width: int) -> np.ndarray:
        """Return a frame's pixels, uint8 (H, width, 3), or (H, width, 4) with its transparency."""
        has_alpha = any(component.is_alpha for component in frame.format.components)
        form = "rgba" if has_alpha else "rgb24"
        if frame.color_trc not in _HDR:
            return self._from_video.reformat(frame, width=width, format=form).to_ndarray()
        # Planes of 16 bits would be half as large, but FFmpeg 8 mixes up their order in this filter.
        planes = self._from_video.reformat(
            frame, width=width, format="gbrapf32le" if has_alpha else "gbrpf32le"
        )
        if self._mapper is None or self._mapper.kind != _kind_of(planes):
            self._mapper = _Mapper(planes)
        return self._from_mapped.reformat(self._mapper.map(planes), format=form).to_ndarray()


def forget_unknown_colors(frame: VideoFrame) -> None:
    """Treat a frame's colours as standard ones if FFmpeg cannot convert the declared ones."""
    if frame.colorspace not in _MATRICES:
        frame.colorspace = _UNSPECIFIED_MATRIX
    if frame.color_range >= ColorRange.NB:
        frame.color_range = ColorRange.UNSPECIFIED
    if frame.color_trc not in _TRANSFERS:
        frame.color_trc = ColorTrc.UNSPECIFIED
    if frame.color_primaries not in _NAMED_PRIMARIES:
        frame.color_primaries = ColorPrimaries.UNSPECIFIED


class _Mapper:
    """FFmpeg's filter that looks up frames of one kind in a table."""

    def __init__(self, like: VideoFrame) -> None:
        self.kind = _kind_of(like)
        self._numbers = count()
        table = VideoFrame.from_ndarray(
            _table(like.color_trc, like.color_primaries), format="rgb48le"
        )
        table.pts, table.time_base = 0, _CLOCK
        self._graph = Graph()
        self._input, tables = (
            self._graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=_CLOCK,
            )
            for frame in (like, table)
        )
        lookup, self._output = (
            self._graph.add("haldclut", "clut=first"),
            self._graph.add("buffersink"),
        )
        self._input.link_to(lookup, 0, 0)
        tables.link_to(lookup, 0, 1)
        lookup.link_to(self._output)
        self._graph.configure()
        tables.push(table)
        tables.push(None)

    def map(self, planes: VideoFrame) -> VideoFrame:
        # The filter waits where times do not rise, and a frame may have none.
        planes.pts, planes.time_base = next(self._numbers), _CLOCK
        self._input.push(planes)
        mapped = self._output.pull()
        assert isinstance(mapped, VideoFrame)
        return mapped


def _kind_of(frame: VideoFrame) -> tuple[int, int, str, int, int]:
    return frame.width, frame.height, frame.format.name, frame.color_trc, frame.color_primaries


@lru_cache(maxsize=4)
def _table(transfer: int, primaries: int) -> np.ndarray:
    """Return the mapping as a Hald image, uint16 (343, 343, 3), in which red changes fastest."""
    axis = np.linspace(0.0, 1.0, _TABLE_LEVEL**2)
    signal = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")[::-1], axis=-1)
    side = _TABLE_LEVEL**3
    table = 65535 * to_sdr(signal.reshape(side, side, 3), transfer, primaries)
    return table.round().astype(np.uint16)


def to_sdr(signal: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """Return HDR colours as SDR colours, exactly; two megapixels take one second.

    Args:
        signal: float64 (..., 3), RGB in [0, 1], in full range.
        transfer: HLG or PQ, by FFmpeg's number (`ColorTrc`).
        primaries: by FFmpeg's number (`ColorPrimaries`).

    Returns:
        float64 (..., 3), sRGB in [0, 1].
    """
    to_xyz = _to_xyz(_PRIMARIES.get(primaries, _BT2020))
    if transfer == ColorTrc.SMPTE2084:
        nits = _pq_nits(signal)
    else:
        nits = _hlg_nits(signal, luminance=to_xyz[1])
    nits = nits @ (np.linalg.inv(_to_xyz(_BT709)) @ to_xyz).T
    largest = np.maximum(nits.max(axis=-1, keepdims=True), 1e-6)
    nits = nits * (_rolled_off(np.minimum(largest, _PEAK)) / largest)
    return _srgb(np.clip(nits / _WHITE, 0.0, 1.0))


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Return the matrix (3, 3) from linear RGB with white of D65 to XYZ."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in (*primaries, _D65)]).T
    rgb, white = columns[:, :3], columns[:, 3]
    return np.asarray(rgb * np.linalg.solve(rgb, white))


def _hlg_nits(signal: np.ndarray, luminance: np.ndarray) -> np.ndarray:
    """Return the luminance of a display for an HLG signal (BT.2100, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    gamma = 1.2 + 0.42 * np.log10(_PEAK / 1000)
    brightness = np.maximum(scene @ luminance, 1e-9)[..., None]
    return np.asarray(_PEAK * brightness ** (gamma - 1) * scene)


#: Of PQ (BT.2100, table 4).
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _pq_nits(signal: np.ndarray) -> np.ndarray:
    root = signal ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))


def _pq_signal(nits: np.ndarray | float) -> np.ndarray:
    power = (np.asarray(nits) / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _rolled_off(nits: np.ndarray) -> np.ndarray:
    """Map luminance up to `_PEAK` to luminance up to `_WHITE` (BT.2390, 5.4.1): a spline above a knee."""
    largest = _pq_signal(_PEAK)
    signal, white = _pq_signal(nits) / largest, _pq_signal(_WHITE) / largest
    knee = 1.5 * white - 0.5
    t = np.maximum(signal - knee, 0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * white
    )
    return _pq_nits(np.where(signal < knee, signal, spline) * largest)


def _srgb(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
