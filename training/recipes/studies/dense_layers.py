"""Do more dense layers after the convolutions help?

Run:    python -m training study dense_layers
"""

from training.experiments.study import Study, Variant

STUDY = Study(
    name="dense_layers",
    title="Dense layers after the convolutions",
    question="One to four dense layers of 256 units after four stages of 32, 32, 64 and 64 kernels.",
    recipe="stacked_cnn",
    # Half as wide as the recipe: a quarter of the cost, which pays for the epochs.
    overrides=("epochs=30", "architecture.widths=[32,32,64,64]"),
    variants=tuple(
        Variant(
            name=f"{n}-dense",
            values={"dense layers": n},
            overrides=(f"architecture.dense={[256] * n}",),
        )
        for n in (1, 2, 3, 4)
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
