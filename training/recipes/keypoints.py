"""The 15 keypoints of a face, found by a small residual network of our own.

Run:    python -m training fit keypoints
Result: models/keypoints/spec.json and the card beside it; selection on persons not seen in training
"""

from training.architectures.keypoint_resnet import KeypointResnet
from training.keypoint_augment import KeypointAugment
from training.recipe import Data, KeypointRecipe, Sgd

RECIPE = KeypointRecipe(
    name="keypoints",
    title="A residual network that finds 15 keypoints of a face",
    data=Data(source="keypoints"),
    architecture=KeypointResnet(widths=(16, 32, 64, 128), joined_width=48),
    augment=KeypointAugment(
        flip=True,
        rotate_degrees=20.0,
        zoom=0.12,
        shift_pixels=6.0,
        brightness=30.0,
        contrast=0.3,
        blur_probability=0.3,
        blur_sigma=1.5,
    ),
    optimizer=Sgd(peak_learning_rate=0.05, momentum=0.9, weight_decay=1e-3, warmup_epochs=2.0),
    epochs=60,
    batch_size=64,
    ema_momentum=0.99,
    dtype_policy="float32",
    patience=60,
    seed=0,
)
