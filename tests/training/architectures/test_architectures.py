"""The networks beside the cnn: what each is made of, how it is trained and how it is served."""

import keras
import numpy as np
import pytest

from fer_core.errors import UnknownNameError
from training.architectures.cnn import MAPS_LAYER
from training.architectures.efficientnet import EfficientNet
from training.architectures.inception import Inception
from training.architectures.pre_resnet import PreResnet
from training.architectures.stacked_cnn import StackedCnn
from training.architectures.vgg import Vgg
from training.schema.recipe import Recipe, get_recipe, recipe_names

#: Bytes that each file of a bundle may have.
LARGEST_FILE = 16_000_000
#: Each family at the least size that has every kind of layer of the whole.
TINY = {
    "stacked_cnn": StackedCnn(widths=(4, 8), dense=(8,), channels=3, stage_dropout=0.1),
    "vgg": Vgg(widths=(4, 8), depths=(1, 2), dense=(8, 8)),
    "pre_resnet": PreResnet(widths=(4, 8), blocks=(1, 2), view_pixels=42),
    "inception": Inception(stem_width=4, widths=(16, 32), modules=(1, 1), view_pixels=42),
    # Its sizes are Keras's; narrow at the top alone.
    "efficientnet": EfficientNet(top_width=16),
}
#: For what does not depend on the trunk; EfficientNet's takes seconds to build at any size.
QUICK = [name for name in TINY if name != "efficientnet"]
EVERY = [*QUICK, pytest.param("efficientnet", marks=(pytest.mark.slow, pytest.mark.release))]
WITH_MAPS = [name for name in QUICK if name not in ("stacked_cnn", "vgg")]


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype(np.float32)


@pytest.mark.parametrize("name", EVERY)
def test_weights_of_the_network_that_trains_fit_the_one_that_serves(name, faces):
    architecture = TINY[name]
    trained, serving = architecture.build(5, side=None), architecture.build(5)
    serving.set_weights(trained.get_weights())
    rim = (48 - architecture.view_pixels) // 2
    seen = faces[:, rim : 48 - rim, rim : 48 - rim]
    logits = serving.predict_on_batch(faces)
    assert logits.shape == (3, 5)
    np.testing.assert_allclose(logits, trained.predict_on_batch(seen), atol=1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_every_family_is_served_as_it_was_trained(name, faces, tmp_path):
    """Saved without code of its own, and the LiteRT file agrees with it; `export` raises otherwise."""
    from training.bundle.export import export

    export(TINY[name].build(7), tmp_path, {"image": faces[..., 0].astype(np.uint8)})
    assert (tmp_path / "model.tflite").is_file()


@pytest.mark.parametrize("name", WITH_MAPS)
def test_logits_are_the_means_of_the_activation_maps(name, faces):
    network = TINY[name].build(7)
    both = keras.Model(network.inputs, [network.output, network.get_layer(MAPS_LAYER).output])
    logits, maps = both.predict_on_batch(faces)
    np.testing.assert_allclose(np.asarray(maps).mean(axis=(1, 2)), logits, atol=1e-4)


@pytest.mark.parametrize("name", QUICK)
def test_brightness_does_not_matter(name, faces):
    network = TINY[name].build(7)
    darker = network.predict_on_batch(faces / 2)
    np.testing.assert_allclose(
        darker, network.predict_on_batch(faces / 2 + 60), atol=1e-3, rtol=1e-2
    )


def test_five_halvings_of_a_face_leave_one_pixel_and_six_are_refused():
    network = StackedCnn(widths=(4,) * 5, dense=(8,)).build(7)
    flat = next(layer for layer in network.layers if isinstance(layer, keras.layers.Flatten))
    assert flat.input.shape == (None, 1, 1, 4)
    with pytest.raises(ValueError, match="at most 5"):
        StackedCnn(widths=(4,) * 6)


def test_the_settings_of_the_design_study_reach_the_network():
    network = StackedCnn(widths=(4, 8, 8), dense=(16, 12, 10), batch_norm=False, dropout=0.3).build(
        7
    )

    def of(kind):
        return [layer for layer in network.layers if isinstance(layer, kind)]

    assert [layer.filters for layer in of(keras.layers.Conv2D)] == [4, 8, 8]
    assert [layer.units for layer in of(keras.layers.Dense)] == [16, 12, 10, 7]
    assert [layer.rate for layer in of(keras.layers.Dropout)] == [0, 0, 0, 0.3, 0.3, 0.3]
    assert not of(keras.layers.BatchNormalization)


def test_efficientnet_keeps_the_resolution_at_its_stem_and_ends_on_three_pixels():
    network = EfficientNet().build(7)
    trunk = network.get_layer("efficientnetb0")
    assert network.get_layer(MAPS_LAYER).output.shape == (None, 3, 3, 7)
    stem = keras.Model(trunk.inputs, trunk.get_layer("stem_conv").output)
    assert stem.compute_output_shape((None, 48, 48, 3)) == (None, 48, 48, 32)
    dropouts = [x for x in trunk.layers if isinstance(x, keras.layers.Dropout)]
    assert not any(layer.rate for layer in dropouts), "blocks are skipped in training"


def test_an_untrained_efficientnet_tells_faces_apart(faces):
    """A wrong input range or a dead layer would give every face the same answer."""
    logits = np.asarray(EfficientNet(top_width=16).build(7)(faces, training=True))
    assert np.isfinite(logits).all()
    assert logits.std(axis=0).min() > 1e-3


def test_inception_modules_give_the_width_they_are_asked_for():
    network = Inception(stem_width=4, widths=(16, 48), modules=(2, 1)).build(7)
    joined = [x for x in network.layers if isinstance(x, keras.layers.Concatenate)]
    assert [layer.output.shape[1:] for layer in joined] == [
        (24, 24, 16),
        (24, 24, 16),
        (12, 12, 48),
    ]
    with pytest.raises(ValueError, match="multiples of 16"):
        Inception(widths=(100, 128, 128))


@pytest.mark.parametrize(
    ("family", "per_stage"), [(Vgg, "depths"), (PreResnet, "blocks"), (Inception, "modules")]
)
def test_stages_that_do_not_agree_are_refused(family, per_stage):
    with pytest.raises(ValueError, match=f"widths and {per_stage} must have one number a stage"):
        family(**{per_stage: (1,)})


@pytest.mark.parametrize("name", ["vgg", "expw_cnn"])
def test_a_network_of_one_size_is_not_trained_on_smaller_crops(name):
    with pytest.raises(UnknownNameError, match=r"crop_pixels must be 48: .* takes the whole crop"):
        get_recipe(name).with_overrides(["augment.crop_pixels=40"])


@pytest.mark.parametrize("name", recipe_names())
def test_the_networks_of_recipes_make_files_that_are_small_enough(name, tmp_path):
    recipe = get_recipe(name)
    if not isinstance(recipe, Recipe):
        pytest.skip("finds keypoints")
    recipe.architecture.build(7).save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < LARGEST_FILE
