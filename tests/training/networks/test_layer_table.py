"""The table of layers: costs counted by hand, stages as they stand in the graph, and the shipped tables."""

import json
import shutil

import keras
import pytest
from keras import layers
from typer.testing import CliRunner

from fer_core.networks.bundles import bundle_folders, resolve
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.layers import LAYERS_FILE, multiply_adds, read_layers, stages_of
from training.__main__ import app
from training.architectures.cnn import Cnn
from training.architectures.dual_input import DualInput
from training.architectures.efficientnet import EfficientNet
from training.architectures.landmark_mlp import LandmarkMlp
from training.errors import TrainingError
from training.networks.layer_table import layer_table

#: Of a 8x8 image with 3 channels: the layer, and its multiply-adds by hand.
BY_HAND = {
    "convolution, its places kept": (
        lambda: layers.Conv2D(4, 3, padding="same"),
        3 * 3 * 3 * 4 * 8 * 8,
    ),
    "convolution without a rim": (lambda: layers.Conv2D(4, (3, 5)), 3 * 5 * 3 * 4 * 6 * 4),
    "every second place": (
        lambda: layers.Conv2D(4, 3, strides=2, padding="same"),
        3 * 3 * 3 * 4 * 4 * 4,
    ),
    "in three groups": (
        lambda: layers.Conv2D(6, 3, padding="same", groups=3),
        3 * 3 * 1 * 6 * 8 * 8,
    ),
    "each channel alone": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        3 * 3 * 3 * 2 * 8 * 8,
    ),
    "separable": (
        lambda: layers.SeparableConv2D(4, 3, padding="same"),
        (3 * 3 * 3 + 3 * 4) * 8 * 8,
    ),
    "transposed": (
        lambda: layers.Conv2DTranspose(4, 2, strides=2, padding="same"),
        2 * 2 * 3 * 4 * 8 * 8,
    ),
    "dense at every place": (lambda: layers.Dense(5), 3 * 5 * 8 * 8),
    "normalisation": (layers.BatchNormalization, 0),
    "pooling": (lambda: layers.MaxPooling2D(2), 0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_multiply_adds_are_those_counted_by_hand(name):
    make, expected = BY_HAND[name]
    image = keras.Input((8, 8, 3), name="image")
    network = keras.Model(image, make()(image))
    assert multiply_adds(layer_table(network)) == expected
    assert sum(layer.parameters for layer in layer_table(network)) == network.count_params()


def test_a_product_of_matrices_costs_its_places_times_the_length_summed_over():
    a, b = keras.Input((4, 6), name="a"), keras.Input((6, 5), name="b")
    network = keras.Model([a, b], keras.ops.matmul(a, b))
    assert multiply_adds(layer_table(network)) == 4 * 5 * 6


def test_a_sub_model_used_twice_works_twice_with_the_same_weights():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6)], name="inner")
    vector = keras.Input((6,), name="vector")
    network = keras.Model(vector, layers.Dense(2)(inner(inner(vector))))
    table = layer_table(network)
    assert multiply_adds(table) == 6 * 6 + 6 * 6 + 6 * 2
    assert sum(layer.parameters for layer in table) == network.count_params() == 42 + 14
    first, second = (layer for layer in table if layer.sub_model == "inner")
    assert second.inputs == (first.name,)


def test_layers_of_unknown_cost_are_refused_by_name():
    sequence = keras.Input((4, 6), name="sequence")
    network = keras.Model(sequence, layers.LSTM(3, name="memory")(sequence))
    with pytest.raises(TrainingError, match=r"LSTM.*memory.*layer_table\.py"):
        layer_table(network)


def test_an_image_tower_has_a_stage_a_resolution():
    network = Cnn(widths=(4, 8), depths=(1, 2), view_pixels=42).build(7)
    stages = stages_of(layer_table(network))
    assert [(s.name, s.inputs) for s in stages] == [
        ("image", ()),
        ("42x42", ("image",)),
        ("21x21", ("42x42",)),
        ("head", ("21x21",)),
    ]
    assert [s.multiply_adds for s in stages] == [
        0,
        9 * 4 * 42 * 42,
        (9 * 4 * 8 + 9 * 8 * 8) * 21 * 21,
        8 * 7 * 21 * 21,
    ]
    assert stages[-1].output == (7,)


def test_a_way_down_and_up_again_has_each_resolution_twice():
    image = keras.Input((16, 16, 1), name="image")
    wide = layers.Conv2D(4, 3, padding="same")(image)
    # Two ways to one sum, as in a residual block.
    narrow = layers.Add()(
        [layers.Conv2D(4, size, strides=2, padding="same")(wide) for size in (1, 3)]
    )
    up = layers.Add()([layers.UpSampling2D(2)(narrow), layers.Conv2D(4, 1)(wide)])
    network = keras.Model(image, layers.Conv2D(2, 1)(layers.Conv2D(4, 3, padding="same")(up)))
    stages = stages_of(layer_table(network))
    assert [(s.name, s.inputs) for s in stages] == [
        ("image", ()),
        ("16x16", ("image",)),
        ("8x8", ("16x16",)),
        ("16x16 up", ("8x8", "16x16")),
        ("head", ("16x16 up",)),
    ]


def test_weights_of_channels_stay_with_their_image_and_padding_makes_no_stage():
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same")(image)
    squeezed = layers.Reshape((1, 1, 4))(layers.GlobalAveragePooling2D()(x))
    x = layers.Multiply()([x, layers.Conv2D(4, 1, activation="sigmoid")(squeezed)])
    x = layers.Conv2D(4, 3)(layers.ZeroPadding2D(1)(x))
    x = layers.Dense(6)(layers.Flatten()(x))
    stages = stages_of(layer_table(keras.Model(image, layers.Dense(2)(x))))
    assert [s.name for s in stages] == ["image", "8x8", "dense", "head"]
    assert [layer.type for layer in stages[1].layers].count("Conv2D") == 3


@pytest.mark.slow
def test_efficientnet_is_counted_at_the_size_that_it_serves():
    """Its trunk is built for images of any size."""
    network = EfficientNet(top_width=16).build(7)
    table = layer_table(network)
    assert sum(layer.parameters for layer in table) == network.count_params()
    names = [stage.name.removeprefix("efficientnetb0 ") for stage in stages_of(table)]
    sides = ["48x48", "24x24", "12x12", "6x6", "3x3"]
    assert names == ["image", "48x48", *sides, "head"]


@pytest.mark.parametrize("fusion", ["aligned", "unaligned", "late", "concatenation", "gate"])
def test_two_inputs_meet_in_the_head(fusion):
    small = {
        "trunk": Cnn(widths=(4,), depths=(1,)),
        "landmarks": LandmarkMlp(units=(8,)),
        "joint_units": 4,
    }
    network = DualInput(**small, fusion=fusion).build(7)
    table = layer_table(network)
    stages = {stage.name: stage for stage in stages_of(table)}
    assert sum(layer.parameters for layer in table) == network.count_params()
    if fusion != "unaligned":
        assert stages["landmark branch"].inputs == ("landmarks",)
    assert stages["trunk 48x48"].inputs == ("image",)
    if fusion == "aligned":
        assert set(stages["alignment"].inputs) == {"image", "landmarks"}
        assert stages["aligned_trunk 48x48"].inputs == ("alignment",)
        fed = {"trunk 48x48", "aligned_trunk 48x48", "landmark branch"}
        assert set(stages["head"].inputs) == fed
    elif fusion == "unaligned":
        assert "landmark branch" not in stages
        assert "aligned_trunk 48x48" in stages["head"].inputs
    elif fusion != "late":
        assert set(stages["dense"].inputs) == {"trunk 48x48", "landmark branch"}


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_the_shipped_tables_are_those_of_the_shipped_networks(folder):
    """Byte for byte, since reading and writing them is tested to change nothing."""
    bundle = open_any_bundle(folder)
    network = keras.models.load_model(bundle.path / "model.keras", compile=False)
    assert layer_table(network) == read_layers(bundle)


def test_describe_writes_the_table_of_a_bundle_that_has_none(tmp_path):
    folder = tmp_path / "landmarks_only"
    shutil.copytree(resolve("landmarks_only").path, folder)
    before = (folder / LAYERS_FILE).read_bytes()
    (folder / LAYERS_FILE).unlink()
    result = CliRunner().invoke(app, ["describe", str(folder)])
    assert result.exit_code == 0, result.output
    assert (folder / LAYERS_FILE).read_bytes() == before
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["parameters"] == resolve("landmarks_only").spec.parameters


def test_describe_refuses_a_damaged_network(tmp_path):
    folder = tmp_path / "landmarks_only"
    shutil.copytree(resolve("landmarks_only").path, folder)
    (folder / "model.keras").write_bytes(b"no network")
    result = CliRunner().invoke(app, ["describe", str(folder)])
    assert result.exit_code == 1
    assert "model.keras is damaged" in result.output
