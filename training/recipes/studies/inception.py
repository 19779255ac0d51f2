"""Convolutions of several sizes side by side, against one size in a row.

Run:    python -m training study inception
"""

from training.experiments.study import Study, Variant

_INCEPTION = '{"kind": "inception", "stem_width": 16, "widths": [64,128,192]}'

STUDY = Study(
    name="inception",
    title="An Inception-style network against the textbook one",
    question="Do 1x1, 3x3 and 5x5 convolutions side by side (Szegedy et al. 2015) read faces better than "
    "3x3 convolutions in a row, trained alike?",
    recipe="stacked_cnn",
    # Half as wide as both families' defaults: a quarter of the cost, which pays for the epochs.
    overrides=("epochs=30",),
    variants=(
        Variant(
            name="stacked",
            values={"network": "stacked"},
            overrides=("architecture.widths=[32,32,64,64]",),
        ),
        Variant(
            name="inception",
            values={"network": "inception"},
            overrides=(f"architecture={_INCEPTION}",),
        ),
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
