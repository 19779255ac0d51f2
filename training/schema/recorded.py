"""Base of the parts of a recipe, with the rules for recording them."""

import hashlib
import json
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
)


class Settings(BaseModel):
    """Base of the parts of a recipe: frozen, and a misspelt setting is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Settings that were added later; None means the behaviour before.
    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _as_recorded(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Leave later settings that are None out of the JSON, so that it equals earlier records.

        Otherwise a finished study would repeat its runs for every new setting.
        """
        values: dict[str, Any] = handler(self)
        if info.mode != "json":
            return values
        return {k: v for k, v in values.items() if v is not None or k not in self.later}


def settings_sha256(settings: dict[str, Any]) -> str:
    """Return a digest of all settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
