"""Do more dense layers after the convolutions help?

Run:    python -m training study dense_layers
"""

from training.experiments.study import Study, Variant

STUDY = Study(
    name="dense_layers",
    title="Dense layers after the convolutions",
    question="One to four dense layers of 256 units after four stages of 64, 64, 128 and 128 kernels.",
    recipe="stacked_cnn",
    overrides=("architecture.widths=[64,64,128,128]",),
    variants=tuple(
        Variant(
            name=f"{n}-dense",
            values={"dense layers": n},
            overrides=(f"architecture.dense={[256] * n}",),
        )
        for n in (1, 2, 3, 4)
    ),
)
