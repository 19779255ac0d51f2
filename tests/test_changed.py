"""`make check` runs the tests of what was changed, and never none."""

import pytest

from tests.changed import DOCUMENTS, GROUND, OF_LISTS, PROJECT, mirrors_of

CONTRACT = "tests/training/architectures/test_architectures.py"


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("fer_core/faces/crops.py", {"tests/fer_core/faces/test_crops.py"}),
        ("training/measure/photos.py", {"tests/training/measure/test_photos.py"}),
        ("pages/parts/compare.py", {"tests/pages/test_compare.py"}),
        (
            "pages/parts/batch/work.py",
            {"tests/pages/parts/batch/test_work.py", "tests/pages/test_batch.py"},
        ),
        ("pages/landmarks.py", {"tests/pages/test_landmarks.py", "tests/test_no_connections.py"}),
        ("app.py", {"tests/browser/test_first_visit.py"}),
        ("training/architectures/new.py", {CONTRACT}),
        ("training/sources/new.py", {"tests/training/sources/test_registry.py"}),
        ("training/recipes/new.py", {"tests/training/schema/test_recipe.py"}),
        ("tests/fer_core/test_drawing.py", {"tests/fer_core/test_drawing.py"}),
        ("docs/deploy.md", {DOCUMENTS}),
        ("training/recipes/studies/new.py", {"tests/training/experiments/test_study.py"}),
        ("LICENSE", set()),
        ("tests/fer_core/test_that_was_deleted.py", set()),
    ],
)
def test_a_changed_file_has_its_own_tests_those_of_its_list_and_the_ground(changed, tests):
    assert set(mirrors_of([changed])) == tests | {GROUND}


def test_a_module_without_tests_of_its_own_is_tested_by_those_of_its_folder():
    found = mirrors_of(["fer_core/faces/gaze.py"])
    assert "tests/fer_core/faces/test_landmarks.py" in found
    assert all((PROJECT / name).is_file() for name in found)


def test_the_lists_and_their_tests_are_there():
    for place, tests in OF_LISTS.items():
        assert all((PROJECT / name).exists() for name in (place, *tests)), place
