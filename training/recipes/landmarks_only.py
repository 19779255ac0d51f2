"""The ablation: an expression from landmarks alone, without a pixel.

Run:    python -m training fit landmarks_only     (after dual, whose answers it learns from)
Cost:   36 epochs of 12 s, seven minutes on two idle CPU cores
Result: models/landmarks_only/spec.json and the card beside it; selection on the clean rows of PublicTest
"""

from training.architectures.landmark_mlp import LandmarkMlp
from training.schema.augment import Augment
from training.schema.optimizers import Sgd
from training.schema.recipe import Data, Recipe

RECIPE = Recipe(
    name="landmarks_only",
    title="A network that sees only the landmarks of the face, none of its pixels",
    data=Data(source="fer2013", drop_not_face=True),
    architecture=LandmarkMlp(
        components=300,
        whitening=0.3,
        units=(1024, 512),
        activation="gelu",
        input_dropout=0.0,
        dropout=0.2,
    ),
    augment=Augment(
        flip=True, rotate_degrees=5.0, zoom=0.05, shift_pixels=1.0, landmark_jitter=0.5
    ),
    optimizer=Sgd(peak_learning_rate=0.1, momentum=0.9, weight_decay=5e-3, warmup_epochs=2.0),
    epochs=36,
    batch_size=128,
    vote_smoothing=0.5,
    teacher="dual",
    teacher_share=0.8,
    label_smoothing=0.0,
    ema_momentum=0.999,
    dtype_policy="float32",
    patience=60,
    seed=0,
)
