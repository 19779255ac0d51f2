"""Teachers that see pixels alone, and the `cnn` that learns from them.

Run:    python -m training campaign fer2013_pixels      (--dry-run shows the plan and its cost)
Cost:   that of `fit cnn` a teacher; on two CPU cores with AVX2 alone 55 minutes for narrow_1, 356 for cnn_3
Result: models/teachers/fer2013_pixels
Note:   an ensemble is worth more than its members where these err otherwise: hence other layers, other seeds
        and weaker or stronger augmentation, and no teacher for the teachers.
"""

from training.campaign.plan import Campaign, PlannedRun
from training.campaign.profile import Profile
from training.schema.recipe import SelectionSplit

#: Labels and votes, as `cnn` has them beside its teacher.
UNTAUGHT = ("teacher=null", "teacher_share=0")
RESNET = 'architecture={"kind": "pre_resnet", "widths": [24, 48, 96, 192], "view_pixels": 42}'
LARGE_RESNET = (
    'architecture={"kind": "pre_resnet", "widths": [32, 64, 128, 256], "view_pixels": 42}'
)
LARGE_VGG = (
    "architecture.widths=[48, 96, 192, 256]",
    "architecture.depths=[2, 2, 3, 3]",
    "architecture.dense=[512]",
)
#: Faces of ExpW beside FER2013's, as many of each class, by their own labels.
WITH_EXPW = ("data.source=fer2013+expw",)
PLAIN = ("architecture.residual=false",)
NARROW = ("architecture.widths=[24, 48, 96, 192]",)
#: An hour on two cores with AVX2 alone, where `fit cnn` takes six. Plain layers are slower to train.
SHORT = ("epochs=30", "patience=30", "validate_every=5")
SHORTER = ("epochs=24", "patience=24", "validate_every=4")
STRONGER = ("augment.erase_probability=0.7", "augment.zoom=0.15", "augment.rotate_degrees=15")
WEAKER = ("augment.erase_probability=0.25", "augment.zoom=0.05")
#: What a student learns: nine tenths from the ensemble, and long.
TAUGHT = ("teacher=ensemble:fer2013_pixels", "teacher_share=0.9", "teacher_temperature=1.5")
#: Images a step that keep a large accelerator busy.
GPU_BATCH = 1024


def large(name: str, *overrides: str, recipe: str = "cnn", seed: int) -> PlannedRun:
    """Return a teacher for a GPU, of 200 to 400 million multiply-adds."""
    return PlannedRun(
        name=name,
        recipe=recipe,
        overrides=(*UNTAUGHT, "epochs=120", "patience=120", "validate_every=10", *overrides),
        seed=seed,
        batch_size=GPU_BATCH,
        profile=Profile.GPU,
    )


def teacher(
    name: str, *overrides: str, recipe: str = "cnn", seed: int, small: bool = False
) -> PlannedRun:
    """Return a teacher for a CPU."""
    return PlannedRun(
        name=name, recipe=recipe, overrides=(*UNTAUGHT, *overrides), seed=seed, small=small
    )


CAMPAIGN = Campaign(
    name="fer2013_pixels",
    title="Pixel networks that learn FER2013 by its labels and FER+'s votes",
    data="fer2013",
    references=(SelectionSplit(data="fer2013:valid"),),
    teachers=(
        teacher("narrow_1", *NARROW, *SHORT, seed=1, small=True),
        teacher("narrow_plain_2", *NARROW, *PLAIN, *SHORTER, seed=2, small=True),
        teacher("cnn_3", seed=3),
        teacher("plain_4", *PLAIN, *STRONGER, seed=4),
        teacher("resnet_5", RESNET, seed=5),
        teacher("vgg_6", recipe="vgg", seed=6),
        teacher("expw_7", *WITH_EXPW, seed=7),
        teacher("weak_8", *WEAKER, seed=8),
        large("large_resnet_1", LARGE_RESNET, seed=11),
        large("large_cnn_2", "architecture.widths=[64, 128, 192, 256]", seed=12),
        large("large_vgg_3", *LARGE_VGG, recipe="vgg", seed=13),
        large("large_resnet_4", LARGE_RESNET, *STRONGER, seed=14),
        large("large_plain_5", "architecture.widths=[64, 128, 192, 256]", *PLAIN, seed=15),
    ),
    students=(
        PlannedRun(name="cnn", recipe="cnn", overrides=(*TAUGHT, "epochs=200", "patience=200")),
        PlannedRun(
            name="cnn",
            recipe="cnn",
            overrides=(*TAUGHT, "epochs=300", "patience=300", "validate_every=10"),
            batch_size=GPU_BATCH,
            profile=Profile.GPU,
        ),
    ),
)
