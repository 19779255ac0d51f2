"""What to do about disgust, which has a sixteenth of the faces that happy has.

Run:    python -m training study imbalance
Cost:   14 runs of at most 30 epochs, two of which are also runs of `augmentation`
"""

from typing import get_args

from training.experiments.study import Study, Variant
from training.schema.balance import Strategy

STUDY = Study(
    name="imbalance",
    title="Classes of unequal size",
    question="FER2013's training part has 7,215 happy and 436 disgusted faces. Which way of treating that "
    "raises the recall of the rare classes, and what does it cost the frequent ones?",
    recipe="stacked_cnn",
    # As in the study of augmentation, whose augmented-dropout is without treatment.
    overrides=("epochs=30", "architecture.widths=[32,32,64,64]"),
    variants=tuple(
        Variant(
            name=name.replace(" ", "-"),
            values={"strategy": name},
            overrides=overrides,
        )
        for name, overrides in (
            ("no treatment", ()),
            *(
                (strategy.replace("_", " "), (f"balance.strategy={strategy}",))
                for strategy in get_args(Strategy)
                if strategy != "none"
            ),
        )
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
