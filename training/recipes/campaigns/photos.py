"""Teachers of FER2013's and ExpW's faces together, and the networks for photos that learn from them.

Run:    python -m training campaign photos
Cost:   --dry-run measures it
Result: models/teachers/photos
Note:   FER2013's faces are learnt by FER+'s votes, ExpW's by their labels; see cnn_photos. The ensemble is
        chosen on FER+'s majority and on ExpW's labels together.
"""

from training.campaign.plan import Campaign, PlannedRun
from training.campaign.profile import Profile
from training.recipes.campaigns.fer2013_pixels import (
    GPU_BATCH,
    LARGE_RESNET,
    PLAIN,
    RESNET,
    STRONGER,
)
from training.schema.recipe import SelectionSplit

UNTAUGHT = (
    *("teacher=null", "teacher_share=0", "added_teacher_share=null", "teacher_temperature=null"),
    *("starts_from=null", "prior_correction=null"),
)
#: From random weights, with the settings that suit those.
FROM_NOTHING = (
    *("epochs=20", "patience=20", "refinement.epochs=3", "ema_momentum=0.999"),
    *("optimizer.peak_learning_rate=0.1", "optimizer.warmup_epochs=1"),
)
LONG = ("epochs=60", "patience=60", "validate_every=6")
#: Of ExpW's targets three quarters; the votes of FER2013's faces keep half of theirs.
TAUGHT = (
    *("teacher=ensemble:photos", "teacher_share=0.5", "added_teacher_share=0.75"),
    "teacher_temperature=1.5",
)


def _teacher(name: str, *overrides: str, seed: int) -> PlannedRun:
    return PlannedRun(
        name=name, recipe="cnn_photos", overrides=(*UNTAUGHT, *FROM_NOTHING, *overrides), seed=seed
    )


def _large(name: str, *overrides: str, seed: int) -> PlannedRun:
    return PlannedRun(
        name=name,
        recipe="cnn_photos",
        overrides=(*UNTAUGHT, *FROM_NOTHING, *LONG, "dtype_policy=mixed_bfloat16", *overrides),
        seed=seed,
        batch_size=GPU_BATCH,
        profile=Profile.GPU,
    )


CAMPAIGN = Campaign(
    name="photos",
    title="Pixel networks that learn FER2013 by FER+'s votes and ExpW by its labels",
    data="fer2013+expw",
    whole=True,
    references=(SelectionSplit(data="ferplus:valid"), SelectionSplit(data="expw:valid")),
    teachers=(
        _teacher("cnn_1", seed=1),
        _teacher("plain_2", *PLAIN, *STRONGER, seed=2),
        _teacher("resnet_3", RESNET, seed=3),
        _large("large_resnet_1", LARGE_RESNET, seed=11),
        _large("large_cnn_2", "architecture.widths=[64, 128, 192, 256]", seed=12),
        _large("large_resnet_3", LARGE_RESNET, *STRONGER, seed=13),
    ),
    students=(
        PlannedRun(
            name="cnn_photos", recipe="cnn_photos", overrides=(*TAUGHT, "epochs=10", "patience=10")
        ),
        PlannedRun(
            name="dual_photos",
            recipe="dual_photos",
            overrides=(*TAUGHT, "epochs=6", "patience=6", "data.rows=null"),
        ),
        PlannedRun(
            name="cnn_photos",
            recipe="cnn_photos",
            overrides=(
                *TAUGHT,
                *FROM_NOTHING,
                "starts_from=null",
                "epochs=120",
                "patience=120",
                "validate_every=10",
                "dtype_policy=mixed_bfloat16",
            ),
            batch_size=GPU_BATCH,
            profile=Profile.GPU,
        ),
    ),
)
