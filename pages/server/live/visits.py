"""The cameras of visits, by tokens that only their own pages know."""

import secrets
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from fer_core.live.session import LiveCamera

#: A camera lives in its visitor's session alone, and goes with it.
_cameras: "WeakValueDictionary[str, LiveCamera]" = WeakValueDictionary()


def open_visit(camera: "LiveCamera") -> str:
    """Return a new token that connects the frames of a visitor's page to the camera."""
    token = secrets.token_urlsafe(24)
    _cameras[token] = camera
    return token


def camera_of(token: str) -> "LiveCamera | None":
    """Return the camera of a token; None if the visit is over or there was none."""
    return _cameras.get(token)
