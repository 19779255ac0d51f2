"""What a recipe names is found once, and handed on."""

import dataclasses

import pytest

from fer_core.errors import BundleError
from training.schema.recipe import get_recipe
from training.sources.ancestors import Ancestor
from training.tasks.parents import Parents, parents_of


def test_a_recipe_that_names_nothing_has_no_parents(tiny_recipe):
    assert parents_of(tiny_recipe) == Parents()
    assert parents_of(get_recipe("keypoints")) == Parents()


def test_a_trunk_alone_is_recorded_as_what_the_network_began_with():
    parents = parents_of(get_recipe("dual").with_overrides(["teacher=null", "teacher_share=0"]))
    assert (parents.start, parents.teacher) == (None, None)
    assert parents.trunk.spec.name == "cnn"
    assert parents.ancestors.all == (Ancestor.of(parents.trunk),)
    assert parents.ancestors.start == Ancestor.of(parents.trunk)
    begun = dataclasses.replace(parents, start=parents_of(get_recipe("ferplus")).start)
    assert begun.ancestors.trunk == Ancestor.of(parents.trunk)


def test_a_bundle_that_is_not_there_is_named(tiny_recipe):
    with pytest.raises(BundleError, match="'cnm'"):
        parents_of(tiny_recipe.with_overrides(["starts_from=cnm"]))
