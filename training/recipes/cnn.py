"""The pixel network: a small VGG-like network, trained on FER2013's labels and FER+'s votes.

Run:    python -m training fit cnn
Cost:   100 epochs of 40 s, 70 minutes on two idle CPU cores with AMX
Result: models/cnn/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   seven tenths of the targets are the predictions of the `dual` that lies in models/ when the run begins
        (knowledge distillation, Hinton et al. 2015, arXiv:1503.02531), whose trunk is an earlier cnn. To
        begin with nothing: fit cnn and fit dual with --set teacher=null --set teacher_share=0, then fit cnn.
"""

from training.architectures.cnn import Cnn
from training.schema.augment import Augment
from training.schema.optimizers import Sgd
from training.schema.recipe import Data, Recipe, Refinement
from training.schema.search_space import Choice, Range, SearchSpace

NETWORK = Cnn(
    widths=(32, 64, 128, 256), depths=(2, 2, 2, 3), residual=True, dropout=0.3, view_pixels=42
)

AUGMENT = Augment(
    flip=True,
    rotate_degrees=10.0,
    zoom=0.1,
    shift_pixels=4.0,
    crop_pixels=40,
    gamma=0.3,
    erase_probability=0.5,
    erase_side=(0.1, 0.4),
)
#: Of the last epochs: half as far, and nothing erased.
GENTLE = AUGMENT.model_copy(
    update={
        "rotate_degrees": 5.0,
        "zoom": 0.05,
        "shift_pixels": 2.0,
        "gamma": 0.15,
        "erase_probability": 0.0,
    }
)

RECIPE = Recipe(
    name="cnn",
    title="A VGG-like network that sees only the pixels of the face",
    data=Data(source="fer2013", drop_not_face=True),
    architecture=NETWORK,
    augment=AUGMENT,
    optimizer=Sgd(peak_learning_rate=0.1, momentum=0.9, weight_decay=5e-3, warmup_epochs=2.0),
    epochs=100,
    batch_size=128,
    label_smoothing=0.0,
    vote_smoothing=0.5,
    teacher="dual",
    teacher_share=0.7,
    ema_momentum=0.999,
    dtype_policy="mixed_bfloat16",
    # The last epochs of a cosine gain the most, whatever those in the middle do.
    patience=100,
    refinement=Refinement(epochs=6, augment=GENTLE),
    seed=0,
)

#: Around the recipe, which was found by hand: the search says whether something was missed.
SEARCH: SearchSpace = {
    "optimizer.peak_learning_rate": Range(low=0.02, high=0.3, log=True),
    "optimizer.weight_decay": Range(low=1e-3, high=2e-2, log=True),
    "architecture.dropout": Range(low=0.0, high=0.5),
    "architecture.widths": Choice(
        values=((24, 48, 96, 192), (32, 64, 128, 256), (48, 96, 144, 192))
    ),
    "architecture.depths": Choice(values=((1, 1, 2, 2), (1, 2, 2, 3), (2, 2, 2, 3))),
    "augment.erase_probability": Range(low=0.0, high=0.7),
    "vote_smoothing": Range(low=0.0, high=0.5),
    "batch_size": Choice(values=(64, 128, 256)),
}
