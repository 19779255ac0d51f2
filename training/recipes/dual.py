"""The dual-input network: the pixels of `cnn` and the landmarks together.

Run:    python -m training fit dual     (after cnn: it starts with that bundle's weights)
Cost:   16 epochs of 55 s, a quarter of an hour on two idle CPU cores with AMX
Result: models/dual/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   as for cnn, seven tenths of the targets are the answers of the `dual` that lies in models/ when the
        run begins; write the new one elsewhere with --out. To begin with nothing: --set teacher=null
        --set teacher_share=0.
"""

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.dual_input import DualInput
from training.architectures.landmark_mlp import LandmarkMlp
from training.recipes.cnn import AUGMENT, GENTLE
from training.recipes.cnn import NETWORK as TRUNK
from training.recipes.cnn import RECIPE as CNN
from training.recipes.landmarks_only import RECIPE as LANDMARKS_ONLY
from training.schema.optimizers import Sgd
from training.schema.recipe import Recipe, Refinement

#: What is otherwise than for the cnn, in all epochs.
_OWN = {
    "crop_pixels": INPUT_SIZE,
    "landmark_jitter": LANDMARKS_ONLY.augment.landmark_jitter,
}

REFINEMENT = Refinement(epochs=3, augment=GENTLE.model_copy(update=_OWN))

RECIPE = Recipe(
    name="dual",
    title="The cnn's view of the pixels joined with the landmarks of the face",
    data=CNN.data,
    architecture=DualInput(
        trunk=TRUNK,
        trunk_bundle="cnn",
        # Small: the file holds two trunks beside it.
        landmarks=LandmarkMlp(units=(128,), input_dropout=0.1, dropout=0.3),
        fusion="aligned",
    ),
    augment=AUGMENT.model_copy(update=_OWN),
    optimizer=Sgd(peak_learning_rate=0.03, momentum=0.9, weight_decay=5e-3, warmup_epochs=0.5),
    epochs=16,
    batch_size=128,
    vote_smoothing=0.5,
    teacher=CNN.teacher,
    teacher_share=CNN.teacher_share,
    label_smoothing=0.0,
    # Over two epochs, since the run is short.
    ema_momentum=0.998,
    dtype_policy="mixed_bfloat16",
    patience=16,
    refinement=REFINEMENT,
    seed=0,
)
