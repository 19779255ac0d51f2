"""How many times should the picture be halved?

Run:    python -m training study conv_stages
"""

from training.experiments.study import Study, Variant

STUDY = Study(
    name="conv_stages",
    title="Stages of convolution and pooling",
    question="How many stages of 32 kernels should stand before two dense layers of 128 units? Each stage "
    "halves the picture, sees more of the face at once, and leaves the dense layers fewer numbers.",
    recipe="stacked_cnn",
    # Half as wide as the recipe: a quarter of the cost, which pays for the epochs.
    overrides=("epochs=30", "architecture.dense=[128,128]"),
    variants=tuple(
        Variant(
            name=f"{n}-stages",
            values={"conv stages": n},
            overrides=(f"architecture.widths={[32] * n}",),
        )
        for n in (2, 3, 4, 5)
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
