"""The servers that help a live camera's connection through routers and firewalls: STUN and TURN.

`FER_ICE_SERVERS` is a JSON list in the form of WebRTC's RTCIceServer. Unset it means none: then the two sides
use their own addresses only, and neither asks anybody.
"""

import json
import re
from typing import Any, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from fer_core.errors import SettingError
from fer_core.settings import ice_servers_json

_EXAMPLE: Final = (
    '[{"urls": "turn:turn.example.org:3478", "username": "NAME", "credential": "SECRET"}]'
)
#: What both sides read (RFC 7064 and 7065); only TURN may name its transport.
_URL: Final = re.compile(
    r"stuns?:[^?/@:\s]+(:\d+)?|turns?:[^?/@:\s]+(:\d+)?(\?transport=(udp|tcp))?"
)


class IceServer(BaseModel):
    """One server, or one server's several addresses.

    Attributes:
        urls: `stun:HOST:PORT`, or `turn:` and `turns:`, which may end with `?transport=udp` or `tcp`; one
            may be given by itself.
        username, credential: of a TURN server. Each visitor's browser gets them, so they should be for
            this purpose alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None

    @field_validator("urls", mode="before")
    @classmethod
    def _one_is_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("urls")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if not urls or not all(map(_URL.fullmatch, urls)):
            raise ValueError("an address is stun:HOST:PORT, turn:HOST:PORT or turns:HOST:PORT")
        return urls

    @model_validator(mode="after")
    def _has_what_turn_asks_for(self) -> Self:
        if any(u.startswith("turn") for u in self.urls) and not (self.username and self.credential):
            raise ValueError("a TURN server needs username and credential")
        return self


def ice_servers() -> list[dict[str, Any]]:
    """Return the servers that FER_ICE_SERVERS names, as WebRTC takes them; none if it is not set.

    Raises:
        SettingError: it is no such list. The message quotes nothing of it, for pages show it.
    """
    text = ice_servers_json()
    if not text:
        return []
    try:
        servers = TypeAdapter(list[IceServer]).validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise _setting_error(f"it is no JSON ({error.msg} at character {error.pos + 1})") from None
    except ValidationError as error:
        # Neither the input nor the cause, which holds it: a credential may be among it.
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        numbers = [part + 1 for part in first["loc"][:1] if isinstance(part, int)]
        place = "".join(f" server {number}" for number in numbers)
        field = "".join(f", {part}" for part in first["loc"][1:2])
        reason = first["msg"].removeprefix("Value error, ")
        raise _setting_error(f"in{place or ' it'}{field}: {reason}") from None
    return [server.model_dump(mode="json", exclude_none=True) for server in servers]


def _setting_error(reason: str) -> SettingError:
    return SettingError(
        f"`FER_ICE_SERVERS` cannot be used; {reason}. It must be a JSON list of servers such as "
        f"`{_EXAMPLE}`, or not be set."
    )
