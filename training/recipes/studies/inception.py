"""Convolutions of several sizes side by side, against one size in a row.

Run:    python -m training study inception
"""

from training.experiments.study import Study, Variant

_INCEPTION = '{"kind": "inception"}'

STUDY = Study(
    name="inception",
    title="An Inception-style network against the textbook one",
    question="Do 1x1, 3x3 and 5x5 convolutions side by side (Szegedy et al. 2015) read faces better than "
    "3x3 convolutions in a row, trained alike?",
    recipe="stacked_cnn",
    variants=(
        Variant(name="stacked", values={"network": "stacked"}),
        Variant(
            name="inception",
            values={"network": "inception"},
            overrides=(f"architecture={_INCEPTION}",),
        ),
    ),
)
