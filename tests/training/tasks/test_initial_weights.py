"""A network that begins where another one ended."""

import numpy as np
import pytest

from fer_core.expressions import FERPLUS, FIVE
from fer_core.networks.classifier import Classifier
from training.errors import TrainingError
from training.sources import Split, load
from training.tasks.expressions import expression_task
from training.tasks.parents import parents_of


@pytest.fixture
def _rings(generated_data, finished_bundle, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(finished_bundle.path.parent))


@pytest.mark.usefixtures("_rings")
@pytest.mark.parametrize("source", ["fer2013", "ferplus"])
def test_it_predicts_like_its_start_for_the_classes_of_both(source, tiny_recipe, finished_bundle):
    label_space = "five" if source == "fer2013" else "ferplus"
    recipe = tiny_recipe.with_overrides(
        ["starts_from=rings", f"data.source={source}", f"data.label_space={label_space}"]
    )
    network = expression_task(recipe, parents_of(recipe)).network
    images = load("fer2013", Split.TEST).images
    before, _ = Classifier(finished_bundle).logits(images)
    # It is built for squares of any size, and sees of them what the bundle sees of its own.
    rim = (images.shape[1] - recipe.architecture.view_pixels) // 2
    seen = images[:, rim:-rim, rim:-rim, None].astype(np.float32)
    after = network.predict_on_batch(seen)
    classes = (FIVE if label_space == "five" else FERPLUS).labels
    known = [i for i, label in enumerate(classes) if label in finished_bundle.spec.labels]
    columns = [finished_bundle.spec.labels.index(classes[i]) for i in known]
    assert len(known) == min(len(classes), 7)
    np.testing.assert_allclose(after[:, known], before[:, columns], atol=1e-2)


@pytest.mark.usefixtures("_rings")
def test_weights_of_another_network_are_refused_with_the_way_out(tiny_recipe):
    recipe = tiny_recipe.with_overrides(["starts_from=rings", "architecture.widths=[4,12]"])
    with pytest.raises(TrainingError, match=r"do not fit .* starts_from=null"):
        expression_task(recipe, parents_of(recipe))
