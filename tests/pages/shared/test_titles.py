"""How networks are named to visitors, and where their weights are from."""

import dataclasses

from fer_core.networks.bundles import resolve
from pages.shared.titles import label_of, origin_sentences


def test_a_label_has_the_name_of_the_bundle_and_the_title():
    assert label_of("cnn") == "cnn: CNN (FER2013)"
    assert label_of("no_such_network") == "no_such_network"


def test_why_embedded_weights_answer_is_said_without_paths_of_the_server():
    bundle = dataclasses.replace(resolve("cnn"), missed="/srv/cache/snapshots/abc/x is damaged.")
    assert origin_sentences([bundle]) == ["The local weights are used for `cnn`: abc/x is damaged."]
