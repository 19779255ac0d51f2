"""EfficientNet-B0 from scratch on 48 pixels: FER2013's images, its labels and FER+'s votes for them.

Run:    python -m training fit efficientnet_b0
Cost:   20 epochs of 220 s, an hour and a quarter on two idle CPU cores (estimated from a few steps)
Result: models/efficientnet_b0/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   deep and narrow networks without pre-trained weights easily end at one answer for every face. What
        is meant to keep this one from it: a stem that keeps the resolution, standardised images, a warm-up,
        Adam with a moderate peak, smoothed targets, statistics of batch normalisation that are measured anew
        for the averaged weights, and logits adjusted for how frequent each class is: without, ten epochs
        named no face disgusted and one in twenty afraid that is labelled so.
"""

from training.architectures.efficientnet import EfficientNet
from training.augment import Augment
from training.balance import Balance
from training.optimizers import Adam
from training.recipe import Data, Recipe

RECIPE = Recipe(
    name="efficientnet_b0",
    title="EfficientNet-B0 from scratch, its stem made for 48 pixels",
    data=Data(source="fer2013", drop_not_face=True),
    # It sees more at test than its crops show in training (arXiv:1906.06423): its last maps have 3x3 places
    # there instead of 2x2.
    architecture=EfficientNet(top_width=384, dropout=0.2, view_pixels=48),
    augment=Augment(
        flip=True,
        rotate_degrees=10.0,
        zoom=0.1,
        shift_pixels=4.0,
        crop_pixels=40,
        gamma=0.2,
        erase_probability=0.1,
        erase_side=(0.1, 0.4),
    ),
    optimizer=Adam(peak_learning_rate=2e-3, weight_decay=1e-2, warmup_epochs=1.0),
    epochs=20,
    batch_size=64,
    balance=Balance(strategy="logit_adjustment"),
    label_smoothing=0.05,
    vote_smoothing=0.5,
    # Over one epoch, since the run is short.
    ema_momentum=0.998,
    dtype_policy="float32",
    patience=20,
    seed=0,
)
