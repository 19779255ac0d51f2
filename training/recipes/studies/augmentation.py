"""What prevents a network from overfitting its training faces?

Run:    python -m training study augmentation
"""

from itertools import product

from training.experiments.study import Study, Variant

#: An Augment that changes nothing.
_NONE = (
    "augment.flip=false",
    "augment.rotate_degrees=0",
    "augment.zoom=0",
    "augment.shift_pixels=0",
    "augment.gamma=0",
)
_NO_DROPOUT = ("architecture.dropout=0",)

STUDY = Study(
    name="augmentation",
    title="Augmentation and dropout",
    question="The same network with and without varied images, and with and without dropout in its dense "
    "layer. All stop early: what is kept is the epoch that was best on validation. The machine did other "
    "work during the augmented runs, so their seconds cannot be compared.",
    recipe="stacked_cnn",
    # Half as wide as the recipe: the same question at a quarter of the cost, which pays for the epochs.
    overrides=("epochs=30", "architecture.widths=[32,32,64,64]"),
    variants=tuple(
        Variant(
            name=f"{'augmented' if augmented else 'plain'}-{'dropout' if dropout else 'no-dropout'}",
            values={
                "augmentation": "yes" if augmented else "no",
                "dropout": "yes" if dropout else "no",
            },
            overrides=(() if augmented else _NONE) + (() if dropout else _NO_DROPOUT),
        )
        for augmented, dropout in product((False, True), (False, True))
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
