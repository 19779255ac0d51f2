"""FER+ votes: eight expressions, including contempt, from the pixels of the face.

Run:    python -m training fit ferplus     (after cnn: it starts with that bundle's weights)
Cost:   25 epochs of 38 s, 16 minutes on two idle CPU cores with AMX
Result: models/ferplus/spec.json and the card beside it; selection on the clean rows of PublicTest
Note:   the targets are how the ten votes are distributed (Barsoum et al. 2016, arXiv:1608.01041, found that
        better than their majority); validation and test are by the majority, as there.
"""

from training.recipes.cnn import GENTLE
from training.recipes.cnn import RECIPE as CNN
from training.schema.recipe import Data, Refinement

RECIPE = CNN.model_copy(
    update={
        "name": "ferplus",
        "title": "The cnn's layers, taught the votes of FER+'s annotators",
        "data": Data(source="ferplus"),
        # Its weights have learnt before.
        "optimizer": CNN.optimizer.model_copy(
            update={"peak_learning_rate": 0.05, "warmup_epochs": 0.5}
        ),
        "epochs": 25,
        "patience": 25,
        "targets": "votes",
        "vote_smoothing": 0.0,
        "teacher": None,
        "teacher_share": 0.0,
        "refinement": Refinement(epochs=4, augment=GENTLE),
        "starts_from": "cnn",
    }
)
