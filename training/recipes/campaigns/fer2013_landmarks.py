"""Teachers that see pixels and landmarks, and `dual` and `landmarks_only`, which learn from them.

Run:    python -m training campaign fer2013_landmarks   (after `python -m training landmarks fer2013`)
Cost:   half an hour a teacher on two CPU cores with AMX, and as long for landmarks that are not found yet
Result: models/teachers/fer2013_landmarks
Note:   `cnn` is no student here: it would learn what landmarks tell, and comparing it with `dual` would say
        nothing. It is the trunk of these teachers.
"""

from training.campaign.plan import Campaign, PlannedRun
from training.campaign.profile import Profile
from training.recipe import SelectionSplit
from training.recipes.campaigns.fer2013_pixels import GPU_BATCH, UNTAUGHT

LONG = ("epochs=40", "patience=40")
TAUGHT = ("teacher=ensemble:fer2013_landmarks", "teacher_share=0.9", "teacher_temperature=1.5")


def _teacher(
    name: str, *overrides: str, recipe: str = "dual", seed: int, small: bool = False
) -> PlannedRun:
    return PlannedRun(
        name=name, recipe=recipe, overrides=(*UNTAUGHT, *overrides), seed=seed, small=small
    )


def _large(name: str, *overrides: str, seed: int) -> PlannedRun:
    """Return a teacher for a GPU: a wider landmark branch, and long."""
    return PlannedRun(
        name=name,
        recipe="dual",
        overrides=(
            *(*UNTAUGHT, "epochs=120", "patience=120", "validate_every=10"),
            "architecture.landmarks.units=[512,128]",
            *overrides,
        ),
        seed=seed,
        batch_size=GPU_BATCH,
        profile=Profile.GPU,
    )


CAMPAIGN = Campaign(
    name="fer2013_landmarks",
    title="Networks of pixels and landmarks that learn FER2013 by its labels and FER+'s votes",
    data="fer2013",
    references=(SelectionSplit(data="fer2013:valid"),),
    teachers=(
        _teacher("landmarks_1", recipe="landmarks_only", seed=1, small=True),
        _teacher(
            "landmarks_2",
            "augment.landmark_jitter=1.0",
            recipe="landmarks_only",
            seed=2,
            small=True,
        ),
        _teacher("dual_3", *LONG, seed=3),
        _teacher("dual_4", *LONG, "optimizer.peak_learning_rate=0.06", seed=4),
        _teacher("gate_5", *LONG, "architecture.fusion=gate", seed=5),
        _teacher("joined_6", *LONG, "architecture.fusion=concatenation", seed=6),
        _large("large_dual_1", seed=11),
        _large("large_dual_2", "optimizer.peak_learning_rate=0.06", seed=12),
        _large("large_dual_3", "augment.erase_probability=0.7", seed=13),
    ),
    students=(
        PlannedRun(name="dual", recipe="dual", overrides=(*TAUGHT, "epochs=60", "patience=60")),
        PlannedRun(name="landmarks_only", recipe="landmarks_only", overrides=TAUGHT),
        PlannedRun(
            name="dual",
            recipe="dual",
            overrides=(*TAUGHT, "epochs=300", "patience=300", "validate_every=10"),
            batch_size=GPU_BATCH,
            profile=Profile.GPU,
        ),
    ),
)
