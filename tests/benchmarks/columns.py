"""The cost of the full columns: each example photo analyzed and written as JSON with both sets of columns.

python -m tests.benchmarks.columns [PHOTO ...]
"""

import argparse
from functools import partial
from pathlib import Path

from fer_core.analysis import Analyzer
from fer_core.commands.result_file import json_line
from fer_core.face_columns import FaceColumns
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from fer_core.records import to_record
from fer_core.settings import project_root
from tests.benchmarks.measuring import interleaved_ms, print_table

#: Turns for a photo of one face; fewer for more faces.
TIMES = 200


def main(paths: list[Path]) -> None:
    """Measure and print."""
    analyzer = Analyzer(
        FaceFinder(), {name: Classifier(resolve(name)) for name in default_networks()}
    )
    rows = []
    for path in paths:
        content = path.read_bytes()

        n = len(analyzer.analyze(decode(content)).faces)
        actions = [partial(_write, analyzer, content, columns) for columns in FaceColumns]
        basic, full = interleaved_ms(actions, times=max(TIMES // n, 20))
        rows.append((path.name, str(n), f"{basic:.1f}", f"{full:.1f}", f"{full / basic:.3f}"))
    print_table("Columns", ("photo", "faces", "basic ms", "full ms", "ratio"), rows)


def _write(analyzer: Analyzer, content: bytes, columns: FaceColumns) -> str:
    return json_line(to_record("", analyzer.analyze(decode(content)), columns=columns))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("photos", nargs="*", type=Path)
    examples = project_root() / "pages" / "shared" / "examples"
    main(parser.parse_args().photos or sorted(examples.glob("*.[jp]*g")))
