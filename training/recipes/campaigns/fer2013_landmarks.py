"""Teachers that see pixels and landmarks, and `dual` and `landmarks_only`, which learn from them.

Run:    python -m training campaign fer2013_landmarks   (after `python -m training landmarks fer2013`)
Cost:   --dry-run measures it; landmarks are found once before
Result: models/teachers/fer2013_landmarks
Note:   `cnn` is no student here: it would learn what landmarks tell. (The shipped `cnn` did learn from an
        earlier `dual`; the study `second_expert` has the control.) It is the trunk of these teachers.
"""

from training.campaign.plan import Campaign, PlannedRun
from training.campaign.profile import Profile
from training.recipes.campaigns.fer2013_pixels import GPU_BATCH, large, teacher
from training.schema.recipe import SelectionSplit

LONG = ("epochs=40", "patience=40")
#: Of teachers for a GPU: a wider branch on the landmarks.
WIDE = "architecture.landmarks.units=[512,128]"
TAUGHT = ("teacher=ensemble:fer2013_landmarks", "teacher_share=0.9", "teacher_temperature=1.5")


CAMPAIGN = Campaign(
    name="fer2013_landmarks",
    title="Networks of pixels and landmarks that learn FER2013 by its labels and FER+'s votes",
    data="fer2013",
    references=(SelectionSplit(data="fer2013:valid"),),
    teachers=(
        teacher("landmarks_1", recipe="landmarks_only", seed=1, small=True),
        teacher(
            "landmarks_2",
            "augment.landmark_jitter=1.0",
            recipe="landmarks_only",
            seed=2,
            small=True,
        ),
        teacher("dual_3", *LONG, recipe="dual", seed=3),
        teacher("dual_4", *LONG, "optimizer.peak_learning_rate=0.06", recipe="dual", seed=4),
        teacher("gate_5", *LONG, "architecture.fusion=gate", recipe="dual", seed=5),
        teacher("joined_6", *LONG, "architecture.fusion=concatenation", recipe="dual", seed=6),
        large("large_dual_1", WIDE, recipe="dual", seed=11),
        large("large_dual_2", WIDE, "optimizer.peak_learning_rate=0.06", recipe="dual", seed=12),
        large("large_dual_3", WIDE, "augment.erase_probability=0.7", recipe="dual", seed=13),
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
