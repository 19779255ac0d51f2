"""The second opinion: the pixels of `cnn` and the landmarks together.

Run:    python -m training fit dual     (after cnn: it starts with that bundle's weights)
Cost:   14 epochs of 195 s, three quarters of an hour on two idle CPU cores without AVX-512
Result: models/dual/spec.json and the card beside it; selection on the clean rows of PublicTest
"""

from fer_core.crops import INPUT_SIZE
from training.architectures.dual_input import DualInput
from training.recipe import Recipe, Refinement, Sgd
from training.recipes.cnn import AUGMENT, GENTLE
from training.recipes.cnn import NETWORK as TRUNK
from training.recipes.cnn import RECIPE as CNN
from training.recipes.landmarks_only import NETWORK as LANDMARKS
from training.recipes.landmarks_only import RECIPE as LANDMARKS_ONLY

#: What is otherwise than for the cnn, in all epochs.
_OWN = {
    "crop_pixels": INPUT_SIZE,
    "landmark_jitter": LANDMARKS_ONLY.augment.landmark_jitter,
}

RECIPE = Recipe(
    name="dual",
    title="The cnn's view of the pixels joined with the landmarks of the face",
    data=CNN.data,
    architecture=DualInput(
        trunk=TRUNK,
        trunk_bundle="cnn",
        # Smaller than alone: the file holds two trunks beside it.
        landmarks=LANDMARKS.model_copy(update={"units": (256,), "dropout": 0.3}),
        fusion="aligned",
    ),
    augment=AUGMENT.model_copy(update=_OWN),
    optimizer=Sgd(peak_learning_rate=0.03, momentum=0.9, weight_decay=5e-3, warmup_epochs=0.5),
    epochs=14,
    batch_size=128,
    vote_smoothing=CNN.vote_smoothing,
    label_smoothing=CNN.label_smoothing,
    teacher=CNN.teacher,
    teacher_share=CNN.teacher_share,
    # Over two epochs, since the run is short.
    ema_momentum=0.998,
    dtype_policy="float32",
    patience=16,
    refinement=Refinement(epochs=3, augment=GENTLE.model_copy(update=_OWN)),
    seed=0,
)
