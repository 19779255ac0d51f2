"""Every kind of network has all that training asks of it, in one record."""

import pytest

from fer_core.networks.bundles import bundle_folders
from fer_core.networks.kinds import BUNDLE_KINDS, kind_in, kind_of, open_any_bundle
from training.architectures.registry import ARCHITECTURES
from training.kinds import KINDS
from training.publish import check_card
from training.schema.recipe import get_recipe, recipe_names

RECIPES = [get_recipe(name) for name in recipe_names()]


def test_the_kinds_of_training_are_those_that_are_served():
    assert KINDS.keys() == BUNDLE_KINDS.keys()
    for name, kind in KINDS.items():
        assert kind.bundle is BUNDLE_KINDS[name]
        assert kind.bundle.bundle.kind == kind.recipe.kind == name


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_is_of_a_kind_that_has_its_record(recipe):
    assert type(recipe) is KINDS[recipe.kind].recipe
    assert recipe.architecture.kind in ARCHITECTURES


@pytest.mark.parametrize("name", KINDS)
def test_of_every_kind_there_is_a_recipe_and_a_shipped_bundle(name):
    assert any(recipe.kind == name for recipe in RECIPES)
    assert any(kind_in(folder).name == name for folder in bundle_folders())


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_every_shipped_bundle_opens_as_its_kind_and_has_a_card(folder):
    bundle = open_any_bundle(folder)
    kind = kind_of(bundle)
    assert type(bundle) is kind.bundle
    assert type(bundle.spec) is kind.spec
    check_card(KINDS[kind.name].card_text(bundle.spec))
