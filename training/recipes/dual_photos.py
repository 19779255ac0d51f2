"""The dual-input network of the default pair: `cnn_photos` and the landmarks of the face together.

Run:    python -m training fit dual_photos    (after cnn_photos: its trunk is that bundle's; the other expert
        starts with the weights of the dual_photos that is there)
Cost:   one epoch of 13 minutes on such cores, and as long to find landmarks
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
        # Enough for a network that has learnt before; finding landmarks and training take half as long.
        "data": DATA.model_copy(update={"rows": 60_000}),
        "architecture": DUAL.architecture.model_copy(update={"trunk_bundle": "cnn_photos"}),
        "augment": DUAL.augment.model_copy(update={"sharpness": SHARPNESS}),
        "optimizer": DUAL.optimizer.model_copy(
            update={"peak_learning_rate": 0.02, "warmup_epochs": 0.1}
        ),
        "epochs": 1,
        "patience": 1,
        "ema_momentum": CNN_PHOTOS.ema_momentum,
        "dtype_policy": CNN_PHOTOS.dtype_policy,
        "targets": "votes",
        "vote_smoothing": 0.0,
        "teacher": "dual_photos",
        "teacher_share": 0.0,
        "added_teacher_share": 0.5,
        "refinement": Refinement(
            epochs=1, augment=REFINEMENT.augment.model_copy(update={"sharpness": SHARPNESS})
        ),
        "selection": SELECTION,
        "starts_from": "dual_photos",
    }
)
