"""The textbook network that the design studies vary, small enough for many runs.

Run:    python -m training fit stacked_cnn     (or one of the studies in training/recipes/studies)
Result: models/studies; no bundle of it is committed
"""

from training.architectures.stacked_cnn import StackedCnn
from training.augment import Augment
from training.optimizers import Sgd
from training.recipe import Data, Recipe

RECIPE = Recipe(
    name="stacked_cnn",
    title="A textbook network: convolutions and pooling, then dense layers",
    data=Data(source="fer2013", drop_not_face=True),
    architecture=StackedCnn(widths=(64, 64, 128, 128), dense=(256,), dropout=0.3),
    augment=Augment(
        flip=True,
        rotate_degrees=10.0,
        zoom=0.1,
        shift_pixels=4.0,
        gamma=0.3,
        erase_probability=0.0,
    ),
    optimizer=Sgd(peak_learning_rate=0.05, momentum=0.9, weight_decay=5e-3, warmup_epochs=1.0),
    epochs=8,
    batch_size=128,
    label_smoothing=0.0,
    ema_momentum=0.99,
    dtype_policy="float32",
    patience=8,
    seed=0,
)
