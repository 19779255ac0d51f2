"""Whose labels should a network learn, and whose should it be measured by?

Run:    python -m training study label_noise
"""

from training.experiments.study import Study, Variant

STUDY = Study(
    name="label_noise",
    title="One label, the majority of ten, or all ten votes",
    question="Faces of FER2013 with FER2013's label, with the majority of FER+'s ten annotators, or with "
    "the distribution of their votes (Barsoum et al. 2016). Each network is measured on both sets of labels. "
    "FER+ has eight classes and leaves out faces without a majority: 25,060 training faces in place of "
    "28,559. So a difference from FER2013's label is not one of labels alone.",
    recipe="stacked_cnn",
    overrides=("epochs=30", "architecture.widths=[32,32,64,64]"),
    variants=(
        Variant(name="fer2013", values={"trained on": "FER2013 labels"}),
        Variant(
            name="ferplus-majority",
            values={"trained on": "FER+ majority"},
            overrides=("data.source=ferplus",),
        ),
        Variant(
            name="ferplus-votes",
            values={"trained on": "FER+ vote distributions"},
            overrides=("data.source=ferplus", "targets=votes"),
        ),
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid", "ferplus:valid", "ckplus:test"),
)
