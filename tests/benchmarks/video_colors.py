"""Milliseconds that an HDR frame of 1920x1080 pixels takes to become SDR, beside an SDR frame and other ways.

python -m tests.benchmarks.video_colors

All ways in one run, the least of several frames each. FFmpeg's scaler prepares in the first frame of a
video; the others prepare once a process.
"""

import io
import time
from collections.abc import Callable

import av
from av.video.reformatter import ColorPrimaries, ColorTrc, VideoReformatter

from fer_core.photos.decode import decode
from fer_core.video.colors import ColorConverter, to_sdr
from tests.benchmarks.measuring import one_face_photo, print_table
from tests.clips import clip, in_hdr, moving

WIDTH, HEIGHT = 1920, 1080
FRAMES = 8


def main() -> None:
    """Measure and print."""
    hdr, sdr = (frame_of(transfer) for transfer in (ColorTrc.ARIB_STD_B67, None))
    plain, tables, scaler = ColorConverter(), ColorConverter(), VideoReformatter()

    def by_numpy() -> None:
        signal = hdr.to_ndarray(format="rgb48le") / 65535
        to_sdr(signal, hdr.color_trc, hdr.color_primaries)

    def by_scaler() -> None:
        scaler.reformat(
            hdr,
            format="rgb24",
            dst_color_trc=ColorTrc.IEC61966_2_1,
            dst_color_primaries=ColorPrimaries.BT709,
        ).to_ndarray()

    ways: dict[str, Callable[[], object]] = {
        "an SDR frame, converted": lambda: plain.to_rgb(sdr, WIDTH),
        "**an HDR frame, converted and tone-mapped**": lambda: tables.to_rgb(hdr, WIDTH),
        "the same by FFmpeg's scaler": by_scaler,
        "the same formulas in NumPy": by_numpy,
    }
    rows, base = [], 0.0
    for name, way in ways.items():
        first, *others = (_milliseconds(way) for _ in range(FRAMES))
        base = base or min(others)
        rows.append((name, f"{first:,.0f}", f"{min(others):,.1f}", f"{min(others) / base:,.1f}"))
    print_table(
        f"A frame of {WIDTH}x{HEIGHT}",
        ("way", "first frame, ms", "each other, ms", "by the SDR frame's"),
        rows,
    )


def frame_of(transfer: int | None) -> av.VideoFrame:
    """Return a frame as a decoder gives it."""
    [rgb] = moving(decode(one_face_photo()).rgb, 1, width=WIDTH, height=HEIGHT)
    pixels = rgb if transfer is None else in_hdr(rgb, transfer)
    form = "yuv420p" if transfer is None else "yuv420p10le"
    with av.open(io.BytesIO(clip([pixels], pixels=form, hdr=transfer))) as container:
        return next(container.decode(video=0))


def _milliseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
