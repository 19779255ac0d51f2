"""The five expressions that are easiest to tell apart, in FER2013: residual networks and landmarks.

Run:    python -m training fit resnet5     (after cnn and dual: its trunk is that of cnn, its teacher dual)
Cost:   8 epochs of 37 s, six minutes on two idle CPU cores with AMX
Result: models/resnet5/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   angry, disgust, sad, happy and surprise. Faces that show fear or nothing are left out of every
        split, so an accuracy over these five says nothing about seven. They are not lost to it all the
        same: it starts with what cnn learnt from all faces.
"""

from training.recipes.dual import RECIPE as DUAL
from training.recipes.dual import REFINEMENT
from training.schema.recipe import Data, Refinement

RECIPE = DUAL.model_copy(
    update={
        "name": "resnet5",
        "title": "Residual networks joined with the landmarks of the face, for five expressions",
        "data": Data(source="fer2013", label_space="five", drop_not_face=True),
        "epochs": 8,
        "patience": 8,
        "refinement": Refinement(epochs=2, augment=REFINEMENT.augment),
    }
)
