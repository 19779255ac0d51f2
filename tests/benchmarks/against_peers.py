"""The same photos through Second Look and through other packages, taking turns.

python -m tests.benchmarks.against_peers FOLDER [NETWORK ...]

FOLDER gets the packages on the first run: a virtual environment with `fer`, and with npm
`@vladmandic/face-api` and `@vladmandic/human` for Node. Nothing is downloaded while they run.

- Second Look finds faces, 478 landmarks, 52 blendshapes and the head's pose, and asks the networks, by
  default the pair of the app.
- `fer` runs as it does by default: a Haar cascade finds faces and a quantised TFLite network classifies them.
- The others run TensorFlow.js on WebAssembly, with landmarks and expressions alone. Their native back end is
  left out: its package downloads TensorFlow's library from elsewhere.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fer_core.networks.bundles import DEFAULT_PAIR
from tests.benchmarks.measuring import PROJECT, Worker, one_face_photo, print_table

PEERS = Path(__file__).parent / "peers"
GROUP = PROJECT / "pages" / "shared" / "examples" / "conference_1927.jpg"

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
COLD_STARTS = 3
HEADER = (
    *("package", "warm, ms per photo", "from process start to first answer, s", "peak memory, MB"),
    *("faces", "expressions"),
)
FORMS = (".1f", ".2f", ".0f")

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
names = sys.argv[2:]
analyzer = Analyzer(FaceFinder(), {name: Classifier(resolve(name)) for name in names})
content = pathlib.Path(sys.argv[1]).read_bytes()
def answer():
    began = time.perf_counter()
    faces = analyzer.analyze(decode(content)).faces
    seconds = time.perf_counter() - began
    best = [str(face.predictions[names[-1]].expression) for face in faces]
    print(json.dumps({"seconds": seconds, "expressions": best}), flush=True)
answer()
for _ in sys.stdin:
    answer()
"""


def main(folder: Path, networks: Sequence[str]) -> None:
    """Measure and print."""
    workers = {
        "Second Look": [sys.executable, "-c", _OUR_WORKER],
        FER[0].replace("==", " "): [str(fer_environment(folder / "fer")), "-c", _FER_WORKER],
    }
    node_packages = node_folder(folder / "node")
    for name in ("face-api", "human"):
        worker = node_packages / f"{name.replace('-', '_')}.cjs"
        workers[name] = ["node", str(worker)]
    with tempfile.TemporaryDirectory() as scratch:
        photo = Path(scratch) / "photo.jpg"
        photo.write_bytes(one_face_photo())
        for title, path, turns in (
            ("One 640x480 photo of one face", photo, 100),
            (f"{GROUP.name}, 29 faces", GROUP, 20),
        ):
            commands = {
                name: [*command, str(path), *(networks if name == "Second Look" else ())]
                for name, command in workers.items()
            }
            print_table(title, HEADER, measure(commands, turns))


def measure(commands: dict[str, list[str]], turns: int) -> list[tuple[str, ...]]:
    """Return a row for each package: times and memory, with ratios to the first one's; what it found."""
    cold: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(COLD_STARTS):
        for name, command in commands.items():
            worker = Worker(command)
            cold[name].append(worker.first_answer_seconds)
            worker.close()
    running = {name: Worker(command) for name, command in commands.items()}
    answers = [{name: worker.ask() for name, worker in running.items()} for _ in range(turns)]
    figures = {
        name: (
            1e3 * statistics.median(answer[name]["seconds"] for answer in answers),
            statistics.median(cold[name]),
            worker.close(),
        )
        for name, worker in running.items()
    }
    first = next(iter(figures.values()))
    rows = []
    for name, values in figures.items():
        found = answers[-1][name]["expressions"]
        cells = [
            f"{value:{form}} ({value / base:.1f})"
            for value, base, form in zip(values, first, FORMS, strict=True)
        ]
        kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(found).most_common())
        rows.append((name, *cells, str(len(found)), kinds))
    return rows


def node_folder(folder: Path) -> Path:
    """Return a folder with the packages for Node and their workers, filled if it has none yet."""
    shutil.copytree(PEERS, folder, dirs_exist_ok=True)
    if not (folder / "node_modules").is_dir():
        # No package's own commands are run: each brings along all that it needs.
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=folder, check=True)
    return folder


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
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tests.benchmarks.against_peers FOLDER [NETWORK ...]")
    main(Path(sys.argv[1]).resolve(), sys.argv[2:] or DEFAULT_PAIR)
