"""The same photo through Second Look and through the PyPI package `fer`, taking turns.

python -m tests.benchmarks.against_fer FOLDER [BUNDLE]

FOLDER gets a virtual environment with `fer` on the first run. `fer` runs as it does by default: a Haar
cascade finds faces and a quantised TFLite network, which the package carries, classifies them. Nothing
is downloaded while it runs. Second Look does more in the same time: it also finds 478 landmarks, 52
blendshapes and the head's pose.
"""

import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.benchmarks.measuring import PROJECT, Worker, one_face_photo, print_table

#: What `fer` imports with its default settings. Its other requirements (PyTorch for the MTCNN face
#: finder, moviepy for videos) are left out; OpenCV is the last line that has Haar cascades, without a
#: window system; setuptools the last that has pkg_resources.
FER = ("fer==25.10.3",)
FER_NEEDS = (
    "tensorflow==2.21.0",
    "opencv-contrib-python-headless==4.13.0.92",
    "numpy==2.4.6",
    "pandas==3.1.1",
    "pillow==13.0.0",
    "requests==2.34.2",
    "tqdm==4.70.1",
    "matplotlib==3.11.2",
    "setuptools==80.9.0",
)
TURNS = 100
COLD_STARTS = 3

_FER_WORKER = """
import json, sys, time
import cv2, numpy
from fer.fer import FER
detector = FER()
content = numpy.fromfile(sys.argv[1], numpy.uint8)
def answer():
    began = time.perf_counter()
    faces = detector.detect_emotions(cv2.imdecode(content, cv2.IMREAD_COLOR))
    seconds = time.perf_counter() - began
    best = [max(face["emotions"], key=face["emotions"].get) for face in faces]
    print(json.dumps({"seconds": seconds, "expressions": best}), flush=True)
answer()
for _ in sys.stdin:
    answer()
"""

_OUR_WORKER = """
import json, pathlib, sys, time
from fer_core.analysis import Analyzer
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier
from fer_core.faces.finder import FaceFinder
from fer_core.photos.decode import decode
name = sys.argv[2]
analyzer = Analyzer(FaceFinder(), {name: Classifier(resolve(name))})
content = pathlib.Path(sys.argv[1]).read_bytes()
def answer():
    began = time.perf_counter()
    faces = analyzer.analyze(decode(content)).faces
    seconds = time.perf_counter() - began
    best = [str(face.predictions[name].expression) for face in faces]
    print(json.dumps({"seconds": seconds, "expressions": best}), flush=True)
answer()
for _ in sys.stdin:
    answer()
"""


def main(folder: Path, name: str) -> None:
    """Measure and print."""
    fer_python = fer_environment(folder)
    with tempfile.TemporaryDirectory() as scratch:
        photo = Path(scratch) / "photo.jpg"
        photo.write_bytes(one_face_photo())
        ours_command = [sys.executable, "-c", _OUR_WORKER, str(photo), name]
        fer_command = [str(fer_python), "-c", _FER_WORKER, str(photo)]
        cold_ours, cold_fer = [], []
        for _ in range(COLD_STARTS):
            for command, seconds in ((ours_command, cold_ours), (fer_command, cold_fer)):
                worker = Worker(command)
                seconds.append(worker.first_answer_seconds)
                worker.close()
        ours, fer = Worker(ours_command), Worker(fer_command)
        turns = [(ours.ask(), fer.ask()) for _ in range(TURNS)]
        peaks = ours.close(), fer.close()

    warm = [
        statistics.median(answer["seconds"] for answer in side) for side in zip(*turns, strict=True)
    ]
    cold = statistics.median(cold_ours), statistics.median(cold_fer)
    print_table(
        f"Against {FER[0]}, one 640x480 photo of one face, taking turns",
        ("", "Second Look", "fer", "fer / Second Look"),
        [
            ("warm, ms a photo", *(f"{1e3 * s:.1f}" for s in warm), f"{warm[1] / warm[0]:.1f}"),
            (
                "from process start to first answer, s",
                *(f"{s:.2f}" for s in cold),
                f"{cold[1] / cold[0]:.1f}",
            ),
            ("peak memory, MB", *(f"{mb:.0f}" for mb in peaks), f"{peaks[1] / peaks[0]:.1f}"),
            (
                "faces and expressions",
                *(", ".join(answer["expressions"]) or "none" for answer in turns[-1]),
                "",
            ),
        ],
    )


def fer_environment(folder: Path) -> Path:
    """Return the Python of an environment that has `fer`, made in `folder` if there is none yet."""
    python = folder / "bin" / "python"
    if not python.is_file():
        venv.create(folder, with_pip=True)
    has_fer = subprocess.run([python, "-c", "import fer.fer"], capture_output=True, cwd=PROJECT)
    if has_fer.returncode:
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--no-deps", *FER], check=True)
        subprocess.run([*install, *FER_NEEDS], check=True)
    return python


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.benchmarks.against_fer FOLDER [BUNDLE]")
    main(Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) == 3 else "cnn")
