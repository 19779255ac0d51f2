"""The five expressions that are easiest to tell apart: a residual network on that part of FER2013.

Run:    python -m training fit resnet5     (after cnn and dual: it starts with the one, learns from both)
Cost:   20 epochs of half a minute, ten minutes on two idle CPU cores with AMX (estimated)
Result: models/resnet5/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   angry, disgust, sad, happy and surprise. Faces that show fear or nothing are left out of every
        split, so an accuracy over these five says nothing about seven. They are not lost to it all the
        same: it starts with what cnn learnt from all faces, which made more of it than the five alone.
"""

from training.recipe import Data, Refinement
from training.recipes.cnn import GENTLE
from training.recipes.cnn import RECIPE as CNN

RECIPE = CNN.model_copy(
    update={
        "name": "resnet5",
        "title": "A residual network for five expressions, on the pixels of the face",
        "data": Data(source="fer2013", label_space="five", drop_not_face=True),
        # Its weights have learnt before.
        "optimizer": CNN.optimizer.model_copy(
            update={"peak_learning_rate": 0.05, "warmup_epochs": 0.5}
        ),
        "epochs": 20,
        "patience": 20,
        "refinement": Refinement(epochs=5, augment=GENTLE),
        "starts_from": "cnn",
    }
)
