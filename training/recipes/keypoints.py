"""The 15 keypoints of a face, found by a small residual network of our own.

Run:    python -m training fit keypoints
Cost:   50 epochs of 20 s, a quarter of an hour on two idle CPU cores without AVX-512
Result: models/keypoints/spec.json and the card beside it; selection on persons not seen in training
"""

from training.architectures.keypoint_resnet import KeypointResnet
from training.schema.keypoint_augment import KeypointAugment
from training.schema.optimizers import Sgd
from training.schema.recipe import Data, KeypointRecipe

RECIPE = KeypointRecipe(
    name="keypoints",
    title="A residual network that finds 15 keypoints of a face",
    data=Data(source="keypoints"),
    architecture=KeypointResnet(widths=(16, 32, 64, 128), joined_width=48),
    augment=KeypointAugment(
        flip=True,
        rotate_degrees=15.0,
        zoom=0.1,
        shift_pixels=4.0,
        brightness=20.0,
        contrast=0.2,
        blur_probability=0.2,
        blur_sigma=1.0,
    ),
    optimizer=Sgd(peak_learning_rate=0.1, momentum=0.9, weight_decay=1e-3, warmup_epochs=2.0),
    epochs=50,
    batch_size=32,
    ema_momentum=0.99,
    dtype_policy="float32",
    patience=50,
    seed=0,
)
