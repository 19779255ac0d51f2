"""The five expressions that are easiest to tell apart: a residual network on that part of FER2013.

Run:    python -m training fit resnet5
Cost:   60 epochs of 70 s, 70 minutes on two idle CPU cores with AMX (estimated from the first nine)
Result: models/resnet5/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   angry, disgust, sad, happy and surprise. Faces that show fear or nothing are left out of every
        split, so an accuracy over these five says nothing about seven.
        Nearly half of the training faces are ExpW's, and seven tenths of the targets are what the `dual`
        that lies in models/ answers among the five classes (knowledge distillation, Hinton et al. 2015,
        arXiv:1503.02531). On FER2013's labels and votes alone: --set data.source=fer2013 --set teacher=null
        --set teacher_share=0.
"""

from training.architectures.resnet import Resnet
from training.augment import Augment
from training.optimizers import Sgd
from training.recipe import Data, Recipe, Refinement

AUGMENT = Augment(
    flip=True,
    rotate_degrees=10.0,
    zoom=0.1,
    shift_pixels=4.0,
    crop_pixels=40,
    gamma=0.3,
    erase_probability=0.4,
    erase_side=(0.1, 0.4),
)

RECIPE = Recipe(
    name="resnet5",
    title="A residual network for five expressions, on the pixels of the face",
    data=Data(source="fer2013+expw", label_space="five", drop_not_face=True),
    architecture=Resnet(
        widths=(32, 64, 128, 256),
        blocks=(1, 1, 1, 2),
        pre_activation=True,
        dropout=0.3,
        view_pixels=42,
    ),
    augment=AUGMENT,
    optimizer=Sgd(peak_learning_rate=0.1, momentum=0.9, weight_decay=5e-3, warmup_epochs=1.0),
    epochs=60,
    batch_size=128,
    label_smoothing=0.0,
    vote_smoothing=0.5,
    teacher="dual",
    teacher_share=0.7,
    ema_momentum=0.999,
    dtype_policy="mixed_bfloat16",
    patience=60,
    refinement=Refinement(
        epochs=5,
        augment=AUGMENT.model_copy(
            update={
                "rotate_degrees": 5.0,
                "zoom": 0.05,
                "shift_pixels": 2.0,
                "gamma": 0.15,
                "erase_probability": 0.0,
            }
        ),
    ),
    seed=0,
)
