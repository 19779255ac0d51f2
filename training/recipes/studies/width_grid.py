"""Kernels or neurons: where do more of them pay?

Run:    python -m training study width_grid
"""

from itertools import product

from training.experiments.study import Study, Variant

STUDY = Study(
    name="width_grid",
    title="Kernels of the convolutions against neurons of the dense layer",
    question="Four stages of 16, 32 or 64 kernels, twice as many in the last two, with one dense layer of "
    "64 or 512 neurons: which is worth its weights?",
    recipe="stacked_cnn",
    overrides=("epochs=30",),
    variants=tuple(
        Variant(
            name=f"{kernels}-kernels-{neurons}-neurons",
            values={"kernels": kernels, "neurons": neurons},
            overrides=(
                f"architecture.widths={[kernels, kernels, 2 * kernels, 2 * kernels]}",
                f"architecture.dense={[neurons]}",
            ),
        )
        for kernels, neurons in product((16, 32, 64), (64, 512))
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
