"""The effect of a teacher and of random blur on networks for photos.

Run:    python -m training study photo_networks     (with cnn and cnn_photos in models/)
Cost:   8 runs of 48,000 images; 6 to 10 minutes each on two CPU cores without AMX
Note:   all runs begin with the weights of cnn, which saw neither ExpW nor blurred faces.
"""

from training.experiments.study import Study, Variant

_NO_TEACHER = ("teacher=null", "added_teacher_share=null")
_NO_BLUR = ("augment.sharpness=null", "refinement.augment.sharpness=null")

STUDY = Study(
    name="photo_networks",
    title="A short run of the recipe of cnn_photos, with and without a teacher and random blur",
    question="Do a teacher's predictions beside ExpW's noisy labels help, and what does random blur, loss of "
    "resolution and sharpening cost on faces as they are? All runs start from cnn, with 24,000 rows, two "
    "epochs and no prior correction. The teacher is the cnn_photos of that time, whose predictions had a "
    "correction: another teacher may help more. Chosen and measured on validation faces alone. The machine "
    "did other work during the run no-teacher with seed 0, so its seconds cannot be compared.",
    recipe="cnn_photos",
    overrides=(
        *("starts_from=cnn", "data.rows=24000", "epochs=2", "patience=2", "refinement.epochs=1"),
        # The correction moves all variants alike.
        "prior_correction=null",
        # As the recipe was then.
        *("optimizer.peak_learning_rate=0.03", "optimizer.warmup_epochs=0.1", "ema_momentum=0.997"),
        *("dtype_policy=float32", "teacher=cnn_photos"),
        *("teacher_share=0", "teacher_temperature=null"),
    ),
    variants=tuple(
        Variant(name=name.replace(" ", "-"), values={"recipe": name}, overrides=overrides)
        for name, overrides in {
            "as it is": (),
            "no teacher": _NO_TEACHER,
            "no blur": _NO_BLUR,
            "neither": (*_NO_TEACHER, *_NO_BLUR),
        }.items()
    ),
    seeds=(0, 1),
    measured_on=("ferplus:valid", "expw:valid"),
)
