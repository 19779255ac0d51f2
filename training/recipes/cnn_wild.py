"""The pixel network of `dual_wild`: what cnn knows of FER2013, and the faces of ExpW with their own labels.

Run:    python -m training fit cnn_wild     (after cnn and dual: it starts with the one and learns from both)
Cost:   15 epochs of two minutes and six to leave out copies, 36 minutes on two CPU cores with AMX
Result: models/cnn_wild/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   ExpW's labellers had other habits than FER2013's; its faces are learnt by their own labels all the
        same, so that the network knows faces as they are found on the web.
"""

from training.recipe import Data, Refinement
from training.recipes.cnn import GENTLE
from training.recipes.cnn import RECIPE as CNN

#: FER2013's training faces and ExpW's, each by its own labels.
DATA = Data(source="fer2013+expw", added="labelled", drop_not_face=True)

RECIPE = CNN.model_copy(
    update={
        "name": "cnn_wild",
        "title": "The cnn's layers, taught FER2013 and ExpW together",
        "data": DATA,
        # Its weights have learnt before, and an epoch has three and a half times the faces.
        "optimizer": CNN.optimizer.model_copy(
            update={"peak_learning_rate": 0.05, "warmup_epochs": 0.2}
        ),
        "epochs": 15,
        "patience": 15,
        "teacher_share": 0.5,
        "refinement": Refinement(epochs=3, augment=GENTLE),
        "starts_from": "cnn",
    }
)
