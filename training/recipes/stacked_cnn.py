"""The textbook network that the design studies vary, small enough for many runs.

Run:    python -m training fit stacked_cnn     (or one of the studies in training/recipes/studies)
Result: models/studies; no bundle of it is committed
"""

from training.architectures.stacked_cnn import StackedCnn
from training.schema.augment import Augment
from training.schema.optimizers import Adam
from training.schema.recipe import Data, Recipe

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
    optimizer=Adam(peak_learning_rate=1e-3, warmup_epochs=0.5),
    epochs=6,
    batch_size=128,
    label_smoothing=0.0,
    ema_momentum=0.99,
    dtype_policy="float32",
    patience=6,
    seed=0,
)
