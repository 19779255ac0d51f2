"""Networks of earlier projects, trained with this project's loop and measured in the same way.

Run:    python -m training study systems
"""

from fer_core.studies.plans import Reference
from training.experiments.study import ALL_SPLITS, Study, Variant

STUDY = Study(
    name="systems",
    title="A custom network, VGG and EfficientNet on FER2013",
    question="Three networks of a student project, each with its own recipe. Is the larger one better? "
    "They are also measured by FER+'s labels of the same test faces, and on CK+.",
    recipe="stacked_cnn",
    variants=(
        Variant(
            name="custom", values={"network": "custom"}, overrides=("epochs=20", "patience=20")
        ),
        Variant(name="vgg", values={"network": "VGG13"}, recipe="vgg"),
        Variant(
            name="efficientnet-b0", values={"network": "EfficientNetB0"}, recipe="efficientnet_b0"
        ),
    ),
    measured_on=(*ALL_SPLITS, "ferplus:test", "ckplus:test"),
    references=(
        Reference(label="custom, as published", accuracy=0.60, note="FER2013, split not stated"),
        Reference(label="VGG, as published", accuracy=0.64, note="FER2013, split not stated"),
    ),
)
