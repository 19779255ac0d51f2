"""What several of these tests share: the shipped network, loaded once."""

import pytest

from fer_core.analysis import Analyzer
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import Bundle, resolve
from fer_core.networks.classifier import Classifier


@pytest.fixture(scope="session")
def cnn_bundle() -> Bundle:
    return resolve("cnn")


@pytest.fixture(scope="session")
def classifier(cnn_bundle: Bundle) -> Classifier:
    return Classifier(cnn_bundle)


@pytest.fixture(scope="session")
def analyzer(classifier: Classifier) -> Analyzer:
    return Analyzer(FaceFinder(), {"cnn": classifier})
