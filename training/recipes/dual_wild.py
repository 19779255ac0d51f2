"""The second opinion for photos as they are found: `dual`, taught FER2013 and ExpW together.

Run:    python -m training fit dual_wild     (after cnn_wild: it starts with that bundle's weights)
Cost:   5 epochs of two and a half minutes and twelve for landmarks and copies, 25 minutes on two CPU cores
Result: models/dual_wild/spec.json and the card beside it; selection on the clean rows of PublicTest
"""

from training.recipes.cnn_wild import DATA
from training.recipes.dual import RECIPE as DUAL
from training.recipes.dual import REFINEMENT

RECIPE = DUAL.model_copy(
    update={
        "name": "dual_wild",
        "title": "The cnn_wild's view of the pixels joined with the landmarks of the face",
        "data": DATA,
        "architecture": DUAL.architecture.model_copy(update={"trunk_bundle": "cnn_wild"}),
        # An epoch has three and a half times the faces.
        "epochs": 5,
        "patience": 5,
        "refinement": REFINEMENT.model_copy(update={"epochs": 1}),
    }
)
