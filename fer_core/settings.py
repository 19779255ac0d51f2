"""Settings from the environment, read in this one place."""

import os
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


def models_root() -> Path:
    """Return the folder of bundles: FER_MODELS, or `models/` beside the code."""
    return Path(os.environ.get("FER_MODELS") or _PROJECT / "models").expanduser()


def cache_root() -> Path:
    """Return the folder for what can be computed anew: FER_CACHE, or the user's cache folder."""
    return Path(os.environ.get("FER_CACHE") or "~/.cache/second-look").expanduser()


def face_shape_path() -> Path:
    """Return where `python -m training face-shape` writes the average face and its movements."""
    return _PROJECT / "models" / "face_shape.npz"


def landmarker_path() -> Path:
    """Return the path of MediaPipe's face landmarker, which ships with the code in `models/`."""
    return _PROJECT / "models" / "face_landmarker.task"
