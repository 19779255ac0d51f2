"""The pixel network of the default pair, for web photos.

Run:    python -m training fit cnn_photos     (it starts with the weights of the cnn_photos that is there)
Cost:   2 epochs of 16 minutes on two CPU cores without AVX-512, beside other work
Result: models/cnn_photos/spec.json and the card beside it
Note:   FER2013's faces are learnt by how FER+'s ten votes are distributed (Barsoum et al. 2016,
        arXiv:1608.01041), ExpW's by their own labels. Epochs, temperature and threshold are chosen by FER+'s
        majority and ExpW's labels together.
"""

from training.recipes.cnn import AUGMENT, GENTLE
from training.recipes.cnn import RECIPE as CNN
from training.schema.augment import Sharpness
from training.schema.recipe import Data, Refinement, SelectionSplit

#: FER2013's training faces and ExpW's.
DATA = Data(source="fer2013+expw", added="labelled", drop_not_face=True)
#: What most people say, and what ExpW's labellers said: the accuracy of answered faces on each.
SELECTION = (
    SelectionSplit(data="ferplus:valid", answered_accuracy=0.85),
    SelectionSplit(data="expw:valid", answered_accuracy=0.80),
)
SHARPNESS = Sharpness(probability=0.5, blur_sigma=1.2, least_side=16, sharpen=0.6)
PRIOR_CORRECTION = 0.3

RECIPE = CNN.model_copy(
    update={
        "name": "cnn_photos",
        "title": "CNN, web photos",
        "data": DATA,
        "augment": AUGMENT.model_copy(update={"sharpness": SHARPNESS}),
        # Its weights have learnt before.
        "optimizer": CNN.optimizer.model_copy(
            update={"peak_learning_rate": 0.03, "warmup_epochs": 0.1}
        ),
        "epochs": 2,
        "patience": 2,
        # Over half an epoch, since the run is short.
        "ema_momentum": 0.997,
        # On a processor without instructions for bfloat16, which is emulated there and far slower.
        "dtype_policy": "float32",
        "targets": "votes",
        "vote_smoothing": 0.0,
        "teacher": "cnn_photos",
        "teacher_share": 0.0,
        "added_teacher_share": 0.5,
        "refinement": Refinement(
            epochs=1, augment=GENTLE.model_copy(update={"sharpness": SHARPNESS})
        ),
        "selection": SELECTION,
        # Chosen among 0 to 1 by FER+'s clean PublicTest and whole photos (`python -m training photos`).
        "prior_correction": PRIOR_CORRECTION,
        "starts_from": "cnn_photos",
    }
)
