"""The table of layers is read as it was written, and says so when it is broken or of other weights."""

import dataclasses
import shutil

import pytest

from fer_core.errors import DataError
from fer_core.networks.bundles import Bundle, bundle_folders, open_bundle, resolve
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.layers import (
    LAYERS_FILE,
    Layer,
    multiply_adds,
    read_layers,
    stages_of,
    write_layers,
)


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "landmarks_only"
    folder.mkdir()
    for name in ("spec.json", LAYERS_FILE):
        shutil.copy(resolve("landmarks_only").path / name, folder)
    return open_bundle(folder)


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_every_shipped_bundle_has_a_table_that_writing_does_not_change(folder, tmp_path):
    bundle = open_any_bundle(folder)
    layers = read_layers(bundle)
    assert sum(layer.parameters for layer in layers) == bundle.spec.parameters
    write_layers(layers, tmp_path)
    assert (tmp_path / LAYERS_FILE).read_bytes() == (bundle.path / LAYERS_FILE).read_bytes()


def test_stages_add_up_and_say_what_feeds_them():
    layers = read_layers(resolve("dual"))
    stages = {stage.name: stage for stage in stages_of(layers)}
    assert sum(stage.multiply_adds for stage in stages.values()) == multiply_adds(layers)
    assert set(stages["head"].inputs) == {"trunk 5x5", "aligned_trunk 5x5", "landmark branch"}
    assert stages["trunk 5x5"].sub_model == "trunk"
    # Its layers are those of both towers and of the landmarks.
    assert stages["head"].sub_model == ""
    assert stages["trunk 5x5"].multiply_adds == stages["aligned_trunk 5x5"].multiply_adds


def test_a_stage_goes_up_where_it_makes_a_smaller_image_larger():
    def layer(stage, output, *inputs):
        return Layer(stage, f"in {stage}", "Conv2D", "3x3", output, 0, 0, inputs)

    layers = [
        layer("image", (8, 8, 1)),
        layer("down", (4, 4, 2), "in image"),
        layer("wide", (8, 8, 2), "in image"),
        layer("whatever its name", (8, 8, 2), "in down", "in wide"),
        layer("head up", (7,), "in whatever its name"),
    ]
    assert [stage.name for stage in stages_of(layers) if stage.goes_up] == ["whatever its name"]


def test_a_bundle_without_a_table_has_none(bundle: Bundle):
    (bundle.path / LAYERS_FILE).unlink()
    assert read_layers(bundle) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("multiply_adds,", "flops,", "lacks multiply_adds"),
        ("733500,733500", "733500,many", "invalid literal"),
        ("733500,733500", "733500,-1", "-1 is no count"),
        (",standardized\n", ",elsewhere\n", "no layer is called elsewhere"),
        ("landmark branch,dense_3,", "landmark branch,dense_2,", "the same name"),
        ("stage", "\xff", "can't decode"),
        ("Dense,,300,", "Dense,,wide,", "invalid literal"),
    ],
)
def test_a_broken_table_is_named_with_its_mend(bundle: Bundle, old, new, said):
    file = bundle.path / LAYERS_FILE
    text = file.read_text()
    assert old in text
    file.write_bytes(text.replace(old, new, 1).encode("latin-1"))
    with pytest.raises(DataError, match=rf"layers\.csv is not a readable.*({said})") as error:
        read_layers(bundle)
    assert f"training describe {bundle.path}" in str(error.value)


def test_the_table_of_other_weights_is_refused(bundle: Bundle):
    first, *others = read_layers(bundle)
    write_layers([dataclasses.replace(first, parameters=1), *others], bundle.path)
    with pytest.raises(DataError, match=r"1,579,621 parameters, the spec says 1,579,620"):
        read_layers(bundle)
