"""An ablation of `cnn`: each part of its training is removed separately.

Run:    python -m training study ablation     (with a `dual` in models/, whose answers it learns from)
Cost:   18 runs of 4 to 7 minutes, under two hours on two idle CPU cores with AMX
"""

from training.experiments.study import Study, Variant

_WHOLE_CROPS = (
    "augment.crop_pixels=48",
    "refinement.augment.crop_pixels=48",
    "architecture.view_pixels=48",
)

STUDY = Study(
    name="ablation",
    title="The recipe of cnn, one part taken away at a time",
    question="The recipe of cnn in eight epochs instead of 100, and eight variants, each with one change. "
    "Variants are chosen on clean validation faces, so no run is evaluated on the test split. Runs this "
    "short say little about overfitting.",
    recipe="cnn",
    overrides=(
        "architecture.widths=[32,64,128,256]",
        *("epochs=8", "patience=8", "refinement.epochs=2", "ema_momentum=0.998"),
    ),
    variants=tuple(
        Variant(name=name.replace(" ", "-"), values={"recipe": name}, overrides=overrides)
        for name, overrides in {
            "as it is": (),
            "no teacher": ("teacher=null", "teacher_share=0"),
            "no teacher and no votes": ("teacher=null", "teacher_share=0", "vote_smoothing=0"),
            "no residual connections": ("architecture.residual=false",),
            "no averaged weights": ("ema_momentum=0",),
            "no erased parts": ("augment.erase_probability=0",),
            "whole crops": _WHOLE_CROPS,
            "no gentle end": ("refinement=null",),
            "mixup of 0.2": ("augment.mixup_alpha=0.2",),
        }.items()
    ),
    seeds=(0, 1),
    measured_on=("fer2013:train", "fer2013:valid"),
)
