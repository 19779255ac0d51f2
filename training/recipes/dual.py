"""The second opinion: the pixels of `cnn` and the landmarks together.

Run:    python -m training fit dual     (after cnn: the trunk is that bundle's and stays as it is)
Result: models/dual/spec.json and the card beside it; selection on the clean rows of PublicTest
"""

from training.architectures.dual_input import DualInput
from training.recipe import Recipe, Sgd
from training.recipes.cnn import NETWORK as TRUNK
from training.recipes.cnn import RECIPE as CNN
from training.recipes.landmarks_only import NETWORK as LANDMARK_BRANCH
from training.recipes.landmarks_only import RECIPE as LANDMARKS_ONLY

RECIPE = Recipe(
    name="dual",
    title="The cnn's view of the pixels joined with the landmarks of the face",
    data=CNN.data,
    architecture=DualInput(
        trunk=TRUNK,
        trunk_bundle="cnn",
        landmarks=LANDMARK_BRANCH,
        fusion="late",
    ),
    augment=CNN.augment.model_copy(
        update={
            "landmark_jitter": LANDMARKS_ONLY.augment.landmark_jitter,
            "landmark_dropout": 0.1,
        }
    ),
    optimizer=Sgd(peak_learning_rate=0.1, momentum=0.9, weight_decay=5e-3, warmup_epochs=1.0),
    epochs=12,
    batch_size=128,
    vote_smoothing=0.5,
    label_smoothing=0.0,
    ema_momentum=0.999,
    dtype_policy="float32",
    patience=12,
    seed=0,
)
