"""What data sets are called where visitors read of them."""

import pytest

from fer_core.data_names import data_name, validation_name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("ferplus", "FER+ PublicTest (validation)"),
        ("fer2013+expw", "FER2013 PublicTest (validation)"),
        ("expw", "ExpW Validation"),
        ("folder:/home/anna/patients+visitors/", "folder patients+visitors Validation"),
    ],
)
def test_a_network_was_chosen_on_its_first_data_set_whose_path_is_not_told(source: str, name: str):
    assert validation_name(source) == name


def test_names_of_data_are_those_of_the_contest():
    assert data_name("fer2013:valid") == "FER2013 PublicTest (validation)"
    assert data_name("ferplus:test") == "FER+ PrivateTest (test)"
    assert data_name("ckplus:test") == "CK+"
    assert data_name("fer2013+expw:train") == "FER2013 and ExpW Training"
    assert data_name("folder:/c++/expw:train") == "folder expw Training"
    assert data_name("expw:valid") == "ExpW Validation"
