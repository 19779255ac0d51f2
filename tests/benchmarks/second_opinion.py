"""What the second network costs: a 640x480 photo of one face analyzed with `cnn` alone and with both.

python -m tests.benchmarks.second_opinion

The two take turns, so that a disturbance of the machine meets both.
"""

from functools import partial

from fer_core.analysis import Analyzer
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from tests.benchmarks.measuring import interleaved_ms, one_face_photo, print_table

TIMES = 200
WARM_UP = 10
AIM_RATIO = 1.5


def main() -> None:
    """Measure and print."""
    names = default_networks()
    finder = FaceFinder()
    classifiers = {name: Classifier(resolve(name)) for name in names}
    analyzers = [
        Analyzer(finder, {names[0]: classifiers[names[0]]}),
        Analyzer(finder, classifiers),
    ]
    photo = decode(one_face_photo())
    actions = [partial(analyzer.analyze, photo) for analyzer in analyzers]
    alone, together = interleaved_ms(actions, times=TIMES, warm_up=WARM_UP)
    print_table(
        "Analysis of one face, warm medians, decoding not included",
        ("networks", "ms", "ratio", "aim"),
        [
            (names[0], f"{alone:.2f}", "1", ""),
            (", ".join(names), f"{together:.2f}", f"{together / alone:.2f}", f"{AIM_RATIO}"),
        ],
    )


if __name__ == "__main__":
    main()
