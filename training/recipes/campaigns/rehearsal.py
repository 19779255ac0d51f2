"""Two small teachers and a student, to test the transfer to a GPU machine and back.

Run:    python -m training campaign rehearsal   (or ./run.sh campaign rehearsal, see training/gpu/README.md)
Cost:   three minutes under JAX on two CPU cores, of which most is compiling
Result: models/teachers/rehearsal, which is not kept: its networks are far too small to teach
"""

from training.campaign.plan import Campaign, PlannedRun
from training.campaign.profile import Profile
from training.recipes.campaigns.fer2013_pixels import UNTAUGHT
from training.schema.recipe import SelectionSplit

SMALL = (
    *("architecture.widths=[8, 16]", "architecture.depths=[1, 2]", "data.rows=2000"),
    *("epochs=3", "patience=3", "refinement.epochs=1", "ema_momentum=0.9"),
)
TAUGHT = ("teacher=ensemble:rehearsal", "teacher_share=0.9", "teacher_temperature=1.5")


def _run(name: str, *overrides: str, seed: int, profile: Profile) -> PlannedRun:
    return PlannedRun(
        name=name,
        recipe="cnn",
        overrides=(*SMALL, *overrides),
        seed=seed,
        batch_size=256 if profile is Profile.GPU else None,
        profile=profile,
    )


CAMPAIGN = Campaign(
    name="rehearsal",
    title="Small networks on few rows",
    data="fer2013",
    references=(SelectionSplit(data="fer2013:valid"),),
    teachers=tuple(
        _run(f"{profile}_{seed}", *UNTAUGHT, seed=seed, profile=profile)
        for profile in Profile
        for seed in (1, 2)
    ),
    students=tuple(_run("small_cnn", *TAUGHT, seed=0, profile=profile) for profile in Profile),
)
