"""From nothing to an answer: seconds and memory of the command line on one photo.

python -m tests.benchmarks.startup

Beside it, as the floor: the same libraries imported and nothing done with them. And for comparison,
importing TensorFlow alone, which serving avoids.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import ChildRun, one_face_photo, print_table, run_child

AIM_SECONDS, AIM_MB = 2.5, 350

#: MediaPipe imports TensorFlow where it can; fer_core.faces.finder hides it in the same way.
_LIBRARIES = """
import sys
sys.modules["tensorflow"] = None
import cv2, numpy, PIL.Image, pillow_heif, pydantic, typer
import mediapipe
from mediapipe.tasks.python import vision
from ai_edge_litert.interpreter import Interpreter
print("ready", flush=True)
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(one_face_photo())
        analyze = [sys.executable, "-m", "fer_core", "analyze", str(photo)]
        # The first run reads the files from disk; what is measured is a warm disk.
        answer = json.loads(run_child(analyze).first_line)
        assert len(answer["faces"]) == 1, answer
        analyses = [run_child(analyze) for _ in range(7)]
        libraries = [run_child([sys.executable, "-c", _LIBRARIES]) for _ in range(7)]
        tensorflow_import = [
            sys.executable,
            "-c",
            "import tensorflow; print('ready', flush=True)",
        ]
        tensorflow = [run_child(tensorflow_import) for _ in range(3)]

    seconds, floor = _seconds(analyses), _seconds(libraries)
    print_table(
        "Start-up, medians of fresh processes on a warm disk",
        ("from process start to", "seconds", "peak MB", "aim"),
        [
            (
                "first prediction of `python -m fer_core analyze PHOTO`",
                f"{seconds:.2f}",
                f"{_peak(analyses):.0f}",
                f"{AIM_SECONDS} s, {AIM_MB} MB",
            ),
            (
                "its libraries imported, nothing done (the floor)",
                f"{floor:.2f}",
                f"{_peak(libraries):.0f}",
                "",
            ),
            (
                "TensorFlow imported, nothing done",
                f"{_seconds(tensorflow):.2f}",
                f"{_peak(tensorflow):.0f}",
                "",
            ),
        ],
    )
    print(f"Above the floor: {seconds - floor:.2f} s, {seconds / floor:.2f} times the floor.")


def _seconds(runs: list[ChildRun]) -> float:
    return statistics.median(run.first_line_seconds for run in runs)


def _peak(runs: list[ChildRun]) -> float:
    return statistics.median(run.peak_mb for run in runs)


if __name__ == "__main__":
    main()
