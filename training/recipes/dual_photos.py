"""The dual-input network of the default pair: `cnn_photos` and the landmarks of the face together.

Run:    python -m training fit dual_photos    (after cnn_photos: its trunk is that bundle's; the other expert
        starts with the weights of the dual_photos that is there)
Cost:   4 epochs of 4 minutes on such cores, and 7 minutes to find landmarks
Result: models/dual_photos/spec.json and the card beside it
Note:   as for cnn_photos; --set starts_from=null begins the other expert as a copy of the trunk. Its own
        priors are not corrected: the trunk's correction leaves half of it in the mean of both, which was
        better on FER+'s clean PublicTest than the whole.
"""

from training.recipes.cnn_photos import DATA, SELECTION, SHARPNESS
from training.recipes.cnn_photos import RECIPE as CNN_PHOTOS
from training.recipes.dual import RECIPE as DUAL
from training.recipes.dual import REFINEMENT
from training.schema.recipe import Refinement

RECIPE = DUAL.model_copy(
    update={
        "name": "dual_photos",
        "title": "Dual-input, web photos",
        "data": DATA,
        "architecture": DUAL.architecture.model_copy(update={"trunk_bundle": "cnn_photos"}),
        "augment": DUAL.augment.model_copy(update={"sharpness": SHARPNESS}),
        "optimizer": DUAL.optimizer.model_copy(
            update={"peak_learning_rate": 0.04, "warmup_epochs": 0.2}
        ),
        "epochs": 4,
        "patience": 4,
        "targets": "votes",
        "vote_smoothing": 0.0,
        "teacher": CNN_PHOTOS.teacher,
        "teacher_share": CNN_PHOTOS.teacher_share,
        "added_teacher_share": CNN_PHOTOS.added_teacher_share,
        "teacher_temperature": CNN_PHOTOS.teacher_temperature,
        "refinement": Refinement(
            epochs=1, augment=REFINEMENT.augment.model_copy(update={"sharpness": SHARPNESS})
        ),
        "selection": SELECTION,
        "starts_from": "dual_photos",
    }
)
