"""The Python API: seconds of its import, of its first call, and of later calls beside the pipeline's.

python -m tests.benchmarks.python_api

"CPU seconds" are of all threads of the process, and say more than the clock beside other load.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import fer_core
from fer_core.analysis import Analyzer
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from tests.benchmarks.measuring import median_seconds, one_face_photo, print_table, run_child

AIM_IMPORT_SECONDS, AIM_FIRST_SECONDS = 0.2, 1.0
_FRESH = 7

_PROBE = """
import json, sys, time
began, used = time.perf_counter(), time.process_time()
import fer_core
imported, imported_used = time.perf_counter(), time.process_time()
assert len(fer_core.analyze(sys.argv[1]).faces) == 1
ended, ended_used = time.perf_counter(), time.process_time()
print(json.dumps([imported - began, imported_used - used, ended - imported, ended_used - imported_used]))
"""


def main() -> None:
    """Measure and print."""
    content = one_face_photo()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(content)
        command = [sys.executable, "-c", _PROBE, str(path)]
        # The first run reads the files from disk; what is measured is a warm disk.
        runs = [json.loads(run_child(command).first_line) for _ in range(_FRESH + 1)][1:]
    imported, imported_cpu, first, first_cpu = map(statistics.median, zip(*runs, strict=True))
    print_table(
        f"The Python API, medians of {_FRESH} fresh processes on a warm disk, a 640x480 JPEG of one face",
        ("", "seconds", "CPU seconds", "aim, seconds"),
        [
            (
                "`import fer_core`",
                f"{imported:.3f}",
                f"{imported_cpu:.3f}",
                f"{AIM_IMPORT_SECONDS}",
            ),
            ("first `analyze`", f"{first:.2f}", f"{first_cpu:.2f}", f"{AIM_FIRST_SECONDS}"),
        ],
    )
    classifiers = {name: Classifier(resolve(name)) for name in default_networks()}
    pipeline = Analyzer(FaceFinder(), classifiers)
    with fer_core.open_analyzer() as analyzer:
        calls = {
            "`decode` and `Analyzer.analyze`, the pipeline": lambda: pipeline.analyze(
                decode(content)
            ),
            "`fer_core.analyze`": lambda: fer_core.analyze(content),
            "`open_analyzer().analyze`": lambda: analyzer.analyze(content),
        }
        rows = [
            (name, f"{1000 * median_seconds(call, times=50):.1f}") for name, call in calls.items()
        ]
    print_table("Later calls, warm medians", ("", "milliseconds"), rows)


if __name__ == "__main__":
    main()
