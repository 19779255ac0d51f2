"""MediaPipe's traps are fenced off."""

import subprocess
import sys

import numpy as np
import pytest

from fer_core.errors import BundleError
from fer_core.faces import mediapipe_models
from fer_core.faces.finder import FaceFinder
from tests.conftest import PROJECT


def test_after_a_failure_the_next_photo_gets_a_new_landmarker(astronaut):
    finder = FaceFinder()
    # After the finder: it hides TensorFlow while MediaPipe is imported.
    import mediapipe as mp

    # What an empty image does inside: from then on each call of this instance would raise.
    empty = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.zeros((0, 0, 3), np.uint8))
    with pytest.raises(RuntimeError):
        finder._landmarker._free.queue[-1]._instance.detect(empty)
    for _ in range(2):
        try:
            found = finder.find(astronaut)
        except RuntimeError:
            continue
    assert len(found) == 1


def test_a_landmarker_that_cannot_be_made_anew_at_once_is_made_later(astronaut):
    """Where memory is short the instance fails, and so would the one in its place."""
    finder = FaceFinder()
    import mediapipe as mp

    task = finder._landmarker._free.queue[-1]
    create, failures = task._create, [MemoryError()]
    empty = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.zeros((0, 0, 3), np.uint8))
    with pytest.raises(RuntimeError):
        task._instance.detect(empty)

    def create_later():
        if failures:
            raise failures.pop()
        return create()

    task._create = create_later
    # One look at a time, which the instance given back last gets; a search may ask both at once.
    place = np.array([170, 50, 280, 180], np.float32)
    with pytest.raises(RuntimeError):
        finder.look_at(astronaut, place)
    with pytest.raises(MemoryError):
        finder.look_at(astronaut, place)
    assert finder.look_at(astronaut, place) is not None


def test_a_wrong_landmarker_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "face_landmarker.task").write_bytes(b"something else")
    monkeypatch.setattr(
        mediapipe_models, "landmarker_path", lambda: tmp_path / "face_landmarker.task"
    )
    with pytest.raises(BundleError, match="missing or damaged"):
        FaceFinder()


def test_finding_faces_loads_no_tensorflow():
    """With TensorFlow installed, MediaPipe alone would import it: 9 seconds and 700 MB."""
    probe = (
        "import sys; from fer_core.faces.finder import FaceFinder; FaceFinder();"
        "print('tensorflow' in sys.modules, 'streamlit' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
    assert "Traceback" not in run.stderr


def test_tensorflow_that_was_loaded_first_stays_loaded():
    probe = (
        "import sys, types; sys.modules['tensorflow'] = tf = types.ModuleType('tensorflow');"
        "from fer_core.faces.mediapipe_models import _without_tensorflow\n"
        "with _without_tensorflow(): assert sys.modules['tensorflow'] is tf\n"
        "assert sys.modules['tensorflow'] is tf"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_what_the_first_caller_held_is_let_go():
    """The first photo of a server was kept for good, by the traceback of an error that MediaPipe keeps."""
    probe = (
        "import gc, weakref\n"
        "from fer_core.faces.finder import FaceFinder\n"
        "class Photo: pass\n"
        "def visit():\n"
        "    photo = Photo()\n"
        "    FaceFinder()\n"
        "    return weakref.ref(photo)\n"
        "kept = visit()\n"
        "gc.collect()\n"
        "print(kept())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert found.stdout.strip() == "None"
