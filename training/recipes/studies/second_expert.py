"""What landmarks add to `dual`: its second expert with landmarks, and one without them.

Run:    python -m training study second_expert     (with cnn and dual in models/)
Cost:   6 runs of 28,600 images and 4 epochs
Note:   dual averages the logits of cnn and of a second expert. A gain over cnn may come from averaging two
        networks alone, so the control averages two as well, and its second expert sees no landmarks.
"""

from training.experiments.study import Study, Variant

STUDY = Study(
    name="second_expert",
    title="The dual-input network, and its control without landmarks",
    question="The recipe of dual in four epochs instead of 16: is a second expert that sees landmarks better "
    "than one that sees the same pixels as the first? Both start as a copy of cnn and learn from the same "
    "targets. Measured on clean validation faces alone.",
    recipe="dual",
    overrides=("epochs=4", "patience=4", "refinement.epochs=1", "ema_momentum=0.99"),
    variants=tuple(
        Variant(
            name=fusion,
            values={"second expert": name},
            overrides=(f"architecture.fusion={fusion}",),
        )
        for fusion, name in {"aligned": "landmarks and pixels", "unaligned": "pixels"}.items()
    ),
    seeds=(0, 1, 2),
    measured_on=("fer2013:valid", "ferplus:valid", "expw:valid"),
)
