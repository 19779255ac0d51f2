"""What to do about disgust, which has a sixteenth of the faces that happy has.

Run:    python -m training study imbalance
"""

from training.experiments.study import Study, Variant

STUDY = Study(
    name="imbalance",
    title="Classes of unequal size",
    question="FER2013's training part has 7,215 happy and 436 disgusted faces. Which way of treating that "
    "raises the recall of the rare classes, and what does it cost the frequent ones? The page Experiments "
    "has the recall of each class.",
    recipe="stacked_cnn",
    variants=tuple(
        Variant(
            name=strategy.replace("_", "-"),
            values={"strategy": strategy.replace("_", " ")},
            overrides=(f"balance.strategy={strategy}",),
        )
        for strategy in (
            *("none", "class_weights", "oversampling", "smote", "smote_eigenfaces", "focal"),
            "logit_adjustment",
        )
    ),
)
