"""Seconds of work for a second of video: a 640x480 clip of 20 s with one face, 10 frames a second.

python -m tests.benchmarks.video

Both networks answer. A factor below 1 is faster than the video plays. The processor's time over all its
cores stands beside the clock's, which other programs make longer.
"""

import time
from collections.abc import Callable
from itertools import pairwise

from fer_core.analysis import Analyzer
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from fer_core.video.analysis import VideoAnalysis, analyze_video
from fer_core.video.reading import VideoReader
from fer_core.video.writing import annotated_video
from tests.benchmarks.measuring import one_face_photo, print_table
from tests.clips import clip, moving

SECONDS = 20
CLIP_RATE = 30
RATE = 10.0
AIM = 1.0


def main() -> None:
    """Measure and print."""
    content = one_face_clip()
    analyzer = Analyzer(FaceFinder(), {n: Classifier(resolve(n)) for n in default_networks()})
    found: list[VideoAnalysis] = []

    def analyze() -> None:
        *_, last = analyze_video(content, analyzer, RATE)
        assert isinstance(last, VideoAnalysis)
        found.append(last)

    def read() -> None:
        with VideoReader(content) as reader:
            for _ in reader.frames(RATE):
                pass

    def search_every_frame() -> None:
        with VideoReader(content) as reader:
            for frame in reader.frames(RATE):
                analyzer.analyze(frame.photo)

    analyze()
    stages = {
        "read and sample": (read, ""),
        "analyze, each frame searched": (search_every_frame, ""),
        "**analyze**": (analyze, f"{AIM:g}"),
        "write the annotated video": (lambda: list(annotated_video(content, found[0])), ""),
    }
    rows = []
    for name, (action, aim) in stages.items():
        clock, processor = _seconds(action)
        rows.append(
            (name, f"{clock:.1f}", f"{clock / SECONDS:.2f}", f"{processor / SECONDS:.2f}", aim)
        )
    print_table(
        f"A {SECONDS} s clip of one face, 640x480, {len(found[0].frames)} frames looked at",
        ("stage", "seconds", "by the video's", "processor's, by the video's", "aim"),
        rows,
    )
    steps = [after.time_s - before.time_s for before, after in pairwise(found[0].frames)]
    print(f"Followed as {len(found[0].tracks)} person, every {max(steps):.2f} s or sooner.")


def one_face_clip() -> bytes:
    """Return an MP4 in which the photo of one face moves to and fro."""
    window = moving(decode(one_face_photo()).rgb, 4 * CLIP_RATE, width=640, height=480)
    there_and_back = window + window[::-1]
    n = SECONDS * CLIP_RATE
    return clip(
        (there_and_back[i % len(there_and_back)] for i in range(n)),
        rate=CLIP_RATE,
        options={"preset": "veryfast", "crf": "23"},
    )


def _seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Return how long it took by the clock and on the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
