"""Warm milliseconds by stage on a 640x480 photo of one face, and the classifier beside its floor.

python -m tests.benchmarks.stages [BUNDLE]

The floor of the classifier is the time that the multiplications and additions of its convolutions and
matrix products would take at the speed of this machine's fastest float32 matrix product, measured in
the same run.
"""

import math
import sys
from functools import partial
from pathlib import Path

import numpy as np

from fer_core.faces.crops import INPUT_SIZE, face_inputs
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import Bundle, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from tests.benchmarks.measuring import (
    median_seconds,
    one_face_photo,
    print_table,
    sgemm_peak,
)

AIM_MS = 12.0
BATCHES = (1, 32)


def main(name: str = "cnn") -> None:
    """Measure and print."""
    bundle = resolve(name)
    classifier = Classifier(bundle)
    _print_stages(classifier)
    _print_classifier(bundle, classifier)


def _print_stages(classifier: Classifier) -> None:
    content = one_face_photo()
    finder = FaceFinder()
    photo = decode(content)
    faces = finder.find(photo.rgb)
    assert len(faces) == 1, f"{len(faces)} faces in the photo of one"
    inputs = face_inputs(photo.rgb, faces[0])
    stages = {
        "decode": median_seconds(lambda: decode(content), times=200),
        "find": median_seconds(lambda: finder.find(photo.rgb), times=200),
        "crop": median_seconds(lambda: face_inputs(photo.rgb, faces[0]), times=500),
        "classify": median_seconds(lambda: classifier.predict([inputs]), times=500),
    }
    finder.close()
    total = sum(stages.values())
    rows = [(stage, f"{1e3 * seconds:.2f}", "") for stage, seconds in stages.items()]
    print_table(
        "Stages, warm medians, 640x480 JPEG with one face",
        ("stage", "ms", "aim"),
        [*rows, ("**in all**", f"**{1e3 * total:.2f}**", f"{AIM_MS:.0f}")],
    )


def _print_classifier(bundle: Bundle, classifier: Classifier) -> None:
    rng = np.random.default_rng(0)
    before = sgemm_peak()
    durations = {}
    for batch in BATCHES:
        images = rng.integers(0, 256, (batch, INPUT_SIZE, INPUT_SIZE), dtype=np.uint8)
        durations[batch] = median_seconds(partial(classifier.logits, images), times=2000 // batch)
    # Once more: if the two differ much, something else ran meanwhile, and the table is worth little.
    after = sgemm_peak()
    operations = 2 * count_macs(bundle.serving_file)
    floor = operations / max(before, after)
    print_table(
        f"Classifier {bundle.spec.name!r}: {operations / 1e6:.0f} million operations a face; matrix "
        f"product before {before / 1e9:.0f}, after {after / 1e9:.0f} billion operations a second",
        ("batch", "ms a batch", "faces a second", "floor, ms a face", "times the floor", "of peak"),
        [
            (
                str(batch),
                f"{1e3 * seconds:.2f}",
                f"{batch / seconds:,.0f}",
                f"{1e3 * floor:.2f}",
                f"{seconds / batch / floor:.2f}",
                f"{batch * floor / seconds:.0%}",
            )
            for batch, seconds in durations.items()
        ],
    )


def count_macs(serving_file: Path) -> int:
    """Return the multiplications of one face in the convolutions and matrix products of a LiteRT file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(serving_file),
        # With the default delegate the operations would be hidden behind one.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.resize_tensor_input(
        interpreter.get_input_details()[0]["index"], (1, INPUT_SIZE, INPUT_SIZE, 1)
    )
    interpreter.allocate_tensors()
    shapes = {t["index"]: tuple(map(int, t["shape"])) for t in interpreter.get_tensor_details()}
    macs = 0
    for operation in interpreter._get_ops_details():
        weights = shapes.get(int(operation["inputs"][1])) if len(operation["inputs"]) > 1 else None
        output = shapes.get(int(operation["outputs"][0]))
        if weights is None or output is None:
            continue
        match operation["op_name"]:
            case "CONV_2D":  # weights (out, height, width, in)
                macs += math.prod(output) * math.prod(weights[1:])
            case "DEPTHWISE_CONV_2D":  # weights (1, height, width, out)
                macs += math.prod(output) * math.prod(weights[1:3])
            case "FULLY_CONNECTED" | "BATCH_MATMUL":  # weights (out, in)
                macs += math.prod(output) * weights[-1]
    return macs


if __name__ == "__main__":
    main(*sys.argv[1:])
