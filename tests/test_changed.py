"""`make check` runs the tests that mirror what was changed, and never none."""

import pytest

from tests.changed import GROUND, PROJECT, mirrors_of


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("fer_core/faces/crops.py", {"tests/fer_core/faces/test_crops.py"}),
        ("training/measure/photos.py", {"tests/training/measure/test_photos.py"}),
        ("pages/landmarks.py", {"tests/pages/test_landmarks.py"}),
        ("pages/parts/compare.py", {"tests/pages/test_compare.py"}),
        ("tests/fer_core/test_drawing.py", {"tests/fer_core/test_drawing.py"}),
        ("docs/deploy.md", set()),
        ("tests/fer_core/test_that_was_deleted.py", set()),
    ],
)
def test_a_changed_file_is_tested_by_its_mirror_and_the_ground(changed, tests):
    assert set(mirrors_of([changed])) == tests | {GROUND}


def test_a_module_without_mirrors_of_its_own_is_tested_by_those_of_its_room():
    found = mirrors_of(["fer_core/faces/blendshapes.py"])
    assert "tests/fer_core/faces/test_landmarks.py" in found
    assert all((PROJECT / name).is_file() for name in found)
