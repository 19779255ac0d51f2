"""The pixel network of the default pair, for web photos.

Run:    python -m training fit cnn_photos     (after ferplus, which teaches it; it starts with the weights of
        the cnn_photos that is there, which teaches it too)
Cost:   8 epochs of 3.5 minutes, half an hour on two CPU cores with AVX-512
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
            update={"peak_learning_rate": 0.06, "warmup_epochs": 0.3}
        ),
        "epochs": 8,
        "patience": 8,
        "targets": "votes",
        "vote_smoothing": 0.0,
        # Pixel networks: the one knows both data sets, the other has learnt FER+'s votes for longer.
        "teacher": "cnn_photos+ferplus",
        "teacher_share": 0.4,
        "added_teacher_share": 0.5,
        # The teachers were calibrated on faces that people agree about, so elsewhere they are overconfident.
        "teacher_temperature": 1.7,
        "refinement": Refinement(
            epochs=2, augment=GENTLE.model_copy(update={"sharpness": SHARPNESS})
        ),
        "selection": SELECTION,
        # Chosen among 0 to 1 by FER+'s clean PublicTest and whole photos (`python -m training photos`).
        "prior_correction": PRIOR_CORRECTION,
        "starts_from": "cnn_photos",
    }
)
