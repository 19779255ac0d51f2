"""The contract of every network family, and what the families beside the cnn are made of."""

import types
from typing import Literal

import keras
import numpy as np
import pytest

from fer_core.errors import UnknownNameError
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.networks.bundles import resolve
from training.architectures import call_arguments
from training.architectures.base import MAPS_LAYER, ExpressionArchitecture
from training.architectures.efficientnet import EfficientNet
from training.architectures.inception import Inception
from training.architectures.pre_resnet import PreResnet
from training.architectures.registry import (
    ARCHITECTURES,
    EXPRESSION_ARCHITECTURES,
    families_in,
)
from training.architectures.stacked_cnn import StackedCnn
from training.architectures.vgg import Vgg
from training.networks.servable import require_servable
from training.schema.recipe import Recipe, get_recipe, recipe_names

# Each network predicts a few faces once: a graph would take longer.
pytestmark = pytest.mark.usefixtures("without_graphs")

#: Bytes that each file of a bundle may have.
LARGEST_FILE = 16_000_000
#: These take seconds to build or to convert, whatever their settings, and have tests of their own.
SLOW = dict.fromkeys(
    ("efficientnet", "dual_input", "inception", "keypoint_resnet"),
    (pytest.mark.slow, pytest.mark.release),
)


def each(kinds):
    return [pytest.param(kind, marks=SLOW.get(kind, ())) for kind in kinds]


#: Families are found, not named: a new one is tested at once, at its `least` settings.
EVERY = each(ARCHITECTURES)
EVERY_OF_EXPRESSIONS = each(EXPRESSION_ARCHITECTURES)
WITH_PRIORS = each(k for k, f in EXPRESSION_ARCHITECTURES.items() if f().corrects_priors)
WITH_TRUNK = each(k for k, f in EXPRESSION_ARCHITECTURES.items() if f().trunk_part)
OF_PIXELS = [k for k, f in EXPRESSION_ARCHITECTURES.items() if f.inputs == ("image",)]


def least(kind):
    return ARCHITECTURES[kind](**ARCHITECTURES[kind].least)


def seen_by(network, n=3):
    """Random inputs of a network, by name."""
    rng = np.random.default_rng(0)
    made = {}
    for tensor in network.inputs:
        if tensor.name == "image":
            shape = (n, *tensor.shape[1:])
            made["image"] = rng.integers(0, 256, shape).astype(np.float32)
        else:
            made["landmarks"] = rng.normal(size=(n, FEATURE_SIZE)).astype(np.float32)
    return made


def answers(network, seen):
    return network.predict_on_batch(call_arguments(seen[tensor.name] for tensor in network.inputs))


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype(np.float32)


@pytest.mark.parametrize("kind", EVERY)
def test_a_network_takes_the_inputs_that_its_family_tells_of_and_can_be_served(kind):
    architecture = least(kind)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = architecture.build(5)
    finally:
        keras.config.set_dtype_policy("float32")
    assert tuple(tensor.name for tensor in network.inputs) == architecture.inputs
    assert set(architecture.inputs) <= {"image", "landmarks"}
    (output,) = network.outputs
    assert output.dtype == "float32", "in half precision, logits would be rounded"
    require_servable(network)
    shapes = [[w.shape for w in n.get_weights()] for n in (network, architecture.build(5))]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("kind", EVERY)
def test_every_family_is_served_as_it_was_trained(kind, tmp_path):
    """Saved without code of its own, and the LiteRT file agrees with it; `export` raises otherwise."""
    from training.bundle.export import export

    network = least(kind).build(7)
    seen = seen_by(network)
    if "image" in seen:
        seen["image"] = seen["image"][..., 0].astype(np.uint8)
    # Coordinates are in pixels of the input.
    unit = 1.0 if kind in EXPRESSION_ARCHITECTURES else seen["image"].shape[1]
    export(network, tmp_path, seen, unit=unit)
    assert (tmp_path / "model.tflite").is_file()


@pytest.mark.parametrize("kind", EVERY)
def test_settings_survive_their_record(kind):
    architecture = least(kind)
    assert architecture.kind == kind
    recorded = architecture.model_dump(mode="json")
    assert next(iter(recorded)) == "kind"
    assert type(architecture).model_validate(recorded) == architecture
    with pytest.raises(ValueError, match="extra"):
        type(architecture).model_validate({**recorded, "no_such_setting": 1})


@pytest.mark.parametrize("kind", EXPRESSION_ARCHITECTURES)
def test_a_recipe_takes_every_family_by_its_kind(kind):
    architecture = least(kind)
    values = get_recipe("vgg").model_dump(mode="json")
    recipe = Recipe.model_validate({**values, "architecture": architecture.model_dump(mode="json")})
    assert recipe.architecture == architecture
    assert type(recipe.architecture) is type(architecture)


@pytest.mark.parametrize("kind", EVERY_OF_EXPRESSIONS)
def test_weights_of_the_network_that_trains_fit_the_one_that_serves(kind):
    architecture = least(kind)
    trained, serving = architecture.build(5, side=None), architecture.build(5)
    serving.set_weights(trained.get_weights())
    seen = seen_by(serving)
    logits = answers(serving, seen)
    assert logits.shape == (3, 5)
    if "image" in seen and architecture.any_size:
        rim = (48 - architecture.view_pixels) // 2
        seen["image"] = seen["image"][:, rim : 48 - rim, rim : 48 - rim]
    np.testing.assert_allclose(logits, answers(trained, seen), atol=1e-4)


@pytest.mark.parametrize("kind", EVERY_OF_EXPRESSIONS)
def test_maps_average_to_what_the_pixels_say(kind):
    network = least(kind).build(7)
    if all(layer.name != MAPS_LAYER for layer in network.layers):
        pytest.skip("has no class activation maps")
    both = keras.Model(network.inputs, [network.output, network.get_layer(MAPS_LAYER).output])
    # Without landmarks, the pixels alone answer.
    seen = {**seen_by(network), "landmarks": np.zeros((3, FEATURE_SIZE), np.float32)}
    logits, maps = answers(both, seen)
    np.testing.assert_allclose(np.asarray(maps).mean(axis=(1, 2)), logits, atol=1e-4)


@pytest.mark.parametrize("kind", EVERY_OF_EXPRESSIONS)
def test_the_last_weights_are_those_of_the_answers_where_a_family_says_so(kind):
    architecture = least(kind)
    kernel, bias = architecture.build(5).get_weights()[-2:]
    is_so = kernel.shape[-1:] == bias.shape == (5,)
    assert is_so or not architecture.logits_last


@pytest.mark.parametrize("kind", WITH_PRIORS)
def test_biases_that_priors_are_corrected_by_move_the_logits(kind):
    architecture = least(kind)
    network = architecture.build(5)
    seen = seen_by(network)
    before = answers(network, seen)
    bias = architecture.logit_bias(network)
    bias.assign(np.asarray(bias) + np.arange(5, dtype=np.float32))
    moved = answers(network, seen) - before
    share = moved[0, 1] - moved[0, 0]
    assert share > 0.1
    np.testing.assert_allclose(moved, np.tile(share * np.arange(5), (3, 1)), atol=1e-4)


@pytest.mark.parametrize("kind", WITH_TRUNK)
def test_a_trunk_has_the_weights_of_its_own_architecture(kind):
    architecture = least(kind)
    trunk = architecture.trunk_part
    layer = architecture.build(5).get_layer(trunk.layer)
    layer.set_weights(trunk.architecture.build(5).get_weights())
    assert not layer.trainable_weights


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.parametrize("kind", EVERY_OF_EXPRESSIONS)
def test_what_rows_tell_a_network_leaves_its_answers_finite(kind):
    architecture = least(kind)
    network = architecture.build(5)
    rows = np.random.default_rng(1).normal(size=(20, FEATURE_SIZE)).astype(np.float16)
    architecture.learn_from_rows(network, rows if architecture.sees_landmarks else None)
    assert np.isfinite(answers(network, seen_by(network))).all()


@pytest.mark.parametrize("kind", EXPRESSION_ARCHITECTURES)
@pytest.mark.parametrize("starts_from", [None, "rings"])
def test_a_card_says_where_weights_came_from_of_every_family(kind, starts_from):
    family = EXPRESSION_ARCHITECTURES[kind]
    text = family.origin(least(kind).model_dump(mode="json"), starts_from)
    assert text.endswith(".")
    assert starts_from is None or f"`{starts_from}`" in text


@pytest.mark.parametrize("kind", EXPRESSION_ARCHITECTURES)
def test_those_who_serve_know_which_families_see_no_pixels(kind):
    """fer_core, which has no families, tells visitors what a network sees."""
    spec = resolve("cnn").spec.model_copy(update={"architecture": kind})
    assert spec.sees_pixels == ("image" in EXPRESSION_ARCHITECTURES[kind].inputs)


@pytest.mark.parametrize("kind", each(OF_PIXELS))
def test_brightness_does_not_matter(kind, faces):
    network = least(kind).build(7)
    darker = network.predict_on_batch(faces / 2)
    np.testing.assert_allclose(
        darker, network.predict_on_batch(faces / 2 + 60), atol=1e-3, rtol=1e-2
    )


def module_of(**families):
    module = types.ModuleType("module_of_a_family")
    for name, family in families.items():
        family.__module__ = module.__name__
        setattr(module, name, family)
    return module


def test_a_family_is_found_in_its_module_and_must_have_a_kind_of_its_own():
    class Shallow(ExpressionArchitecture):
        kind: Literal["shallow"] = "shallow"

        def build(self, n_outputs, *, side=48):
            raise AssertionError("is not built")

    class Nameless(Shallow):
        kind: str = ""

    module = module_of(Shallow=Shallow)
    # What a module imports is not its own.
    module.Vgg = Vgg
    assert families_in([module]) == {"shallow": Shallow}
    with pytest.raises(ValueError, match=r"Shallow and .*Shallow both have the kind shallow"):
        families_in([module, module])
    with pytest.raises(ValueError, match="Nameless needs a kind"):
        families_in([module_of(Nameless=Nameless)])


def _lstm(x):
    return keras.layers.LSTM(4, name="memory")(keras.layers.Reshape((48, 48))(x))


def _einsum(x):
    return keras.layers.Flatten()(keras.ops.einsum("nhwc,nhvc->nwv", x, x))


def _code(x):
    return keras.layers.Flatten()(keras.layers.Lambda(lambda v: v * 2, name="twice")(x))


class Twice(keras.layers.Layer):
    def call(self, x):
        return keras.ops.reshape(2 * x, (-1, 48 * 48))


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        (_lstm, "LSTM .*memory"),
        (_einsum, "Einsum"),
        (_code, "twice, a Lambda"),
        (Twice(name="own"), "own, a Twice"),
    ],
    ids=["unknown layer", "unknown operation", "code", "layer of one's own"],
)
def test_what_no_bundle_can_hold_is_refused_before_anything_is_trained(
    operation, named, tiny_recipe, tmp_path, monkeypatch
):
    from training.errors import TrainingError
    from training.loop.fit import fit

    def build(self, n_outputs, *, side=48):
        image = keras.Input((48, 48, 1), name="image")
        return keras.Model(image, keras.layers.Dense(n_outputs)(operation(image)))

    monkeypatch.setattr(type(tiny_recipe.architecture), "build", build)
    # Not even the data is read.
    monkeypatch.setenv("FER_DATA", str(tmp_path / "none"))
    with pytest.raises(TrainingError, match=named):
        fit(tiny_recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_that_is_not_functional_is_refused():
    from training.errors import TrainingError

    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(TrainingError, match=r"a Own, .* return keras\.Model"):
        require_servable(Own(name="own"))


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


@pytest.mark.slow
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
    get_recipe(name).architecture.build(7).save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < LARGEST_FILE
