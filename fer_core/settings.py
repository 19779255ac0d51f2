"""Settings from the environment, read in this one place."""

import difflib
import os
import re
from pathlib import Path
from typing import Final

from fer_core.errors import SettingError
from fer_core.listing import split_names

_PACKAGE: Final = Path(__file__).resolve().parent
#: Prefix of the variables that name a model's repository on the Hugging Face Hub.
HUB_REPO_PREFIX: Final = "FER_HUB_REPO_"
_PREFIX: Final = "FER_"
#: The settings with a fixed name.
SETTINGS: Final = (
    "FER_API",
    "FER_API_ORIGINS",
    "FER_API_TOKENS",
    "FER_CACHE",
    "FER_DATA",
    "FER_MODELS",
    "FER_NETWORKS",
)
#: What Kubernetes and Docker set for a service whose name begins with "fer".
_OF_A_SERVICE: Final = re.compile(
    r"FER\w*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
#: What a bearer token may consist of (RFC 6750), and how long it must be to be hard to guess.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
SHORTEST_TOKEN: Final = 16
#: An origin as browsers send it: no path, no user, no wildcard.
_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


def shipped_root() -> Path:
    """Return the folder of an installed package's data files; a checkout has none."""
    return _PACKAGE / "shipped"


def project_root() -> Path:
    """Return the folder that holds `app.py`, `pages/` and `models/`.

    That is the checkout, or, in an installed package, the folder into which the wheel puts the same files
    (pyproject.toml says which).
    """
    shipped = shipped_root()
    return shipped if shipped.is_dir() else _PACKAGE.parent


def models_root() -> Path:
    """Return the folder of bundles: FER_MODELS, or the `models/` shipped with the code."""
    return Path(os.environ.get("FER_MODELS") or shipped_models()).expanduser()


def require_own_models() -> None:
    """Raise SettingError if commands would write networks into an installed package."""
    if shipped_root().is_dir() and not os.environ.get("FER_MODELS"):
        raise SettingError(
            "The networks of the installed package must not be changed. Set FER_MODELS to a folder of your "
            "own, for instance: export FER_MODELS=~/second-look-models"
        )


def data_folder() -> Path | None:
    """Return the folder of data sets that FER_DATA names; None if it is not set. Only training reads them."""
    value = os.environ.get("FER_DATA")
    return Path(value).expanduser() if value else None


def cache_root() -> Path:
    """Return the folder for files that can be recomputed: FER_CACHE, or the user's cache folder."""
    return Path(os.environ.get("FER_CACHE") or "~/.cache/second-look").expanduser()


def hub_repos() -> dict[str, str]:
    """Return the values of FER_HUB_REPO_*, by the rest of their names: {"CNN": "OWNER/NAME@COMMITHASH"}.

    An empty one counts as not set. Where the Hub is, with which token and whether it may be asked at all,
    `huggingface_hub` reads itself, from HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE; its cache lies where
    HF_HUB_CACHE or HF_HOME say.
    """
    return {
        name.removeprefix(HUB_REPO_PREFIX): value.strip()
        for name, value in sorted(os.environ.items())
        if name.startswith(HUB_REPO_PREFIX) and value.strip()
    }


def require_known_settings() -> None:
    """Raise SettingError if a variable begins with FER_ and is no setting, because it is mistyped.

    A server must not start then: FER_API_TOKEN in place of FER_API_TOKENS would leave the API open.
    """
    for name in sorted(os.environ):
        if not name.startswith(_PREFIX) or name in SETTINGS:
            continue
        if _names_hub_repo(name) or _OF_A_SERVICE.fullmatch(name):
            continue
        near = difflib.get_close_matches(name, [*SETTINGS, HUB_REPO_PREFIX], n=1)
        # The prefix alone is no name.
        known = [found + "NAME" if found == HUB_REPO_PREFIX else found for found in near]
        mend = (
            f"Did you mean {known[0]}?"
            if known
            else f"The settings are {', '.join(SETTINGS)} and {HUB_REPO_PREFIX}NAME."
        )
        raise SettingError(f"{name} is set and is no setting of this program. {mend} Or unset it.")


def _names_hub_repo(name: str) -> bool:
    return name.startswith(HUB_REPO_PREFIX) and name != HUB_REPO_PREFIX


def named_networks() -> tuple[str, ...]:
    """Return the networks in FER_NETWORKS, a comma-separated list; empty without any."""
    return _listed("FER_NETWORKS") or ()


def api_is_on() -> bool:
    """Return whether the HTTP API is enabled, which it is unless FER_API is "off".

    Raises:
        SettingError: FER_API is neither "on" nor "off".
    """
    value = os.environ.get("FER_API", "").strip().lower() or "on"
    if value not in ("on", "off"):
        raise SettingError(f"FER_API is {value!r}. Set it to on or off, or leave it out for on.")
    return value == "on"


def api_tokens() -> tuple[str, ...]:
    """Return the tokens of FER_API_TOKENS; a request to the HTTP API must carry one. () if none are set.

    Raises:
        SettingError: the variable is set and names no token, or one that is short or has other characters.
            The message does not quote it.
    """
    tokens = _listed("FER_API_TOKENS")
    if tokens == ():
        raise SettingError(
            "FER_API_TOKENS is set but contains no token. Unset it to give everyone access, or make a token "
            "with: openssl rand -hex 32"
        )
    for number, token in enumerate(tokens or (), start=1):
        if len(token) < SHORTEST_TOKEN or not _TOKEN.fullmatch(token):
            raise SettingError(
                f"Token {number} of FER_API_TOKENS must have {SHORTEST_TOKEN} or more letters, digits or "
                "characters of -._~+/, and commas stand between tokens. Make one with: openssl rand -hex 32"
            )
    return tokens or ()


def api_origins() -> tuple[str, ...]:
    """Return the origins of FER_API_ORIGINS, whose pages may use the HTTP API; () if none are set.

    They are as browsers send them: in lower case, without the default port of their scheme.

    Raises:
        SettingError: one is no origin, such as "*" or an address with a path.
    """
    origins = tuple(origin.lower() for origin in _listed("FER_API_ORIGINS") or ())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingError(
                f"FER_API_ORIGINS names {origin!r}, which is no origin. Give scheme, host and port alone, "
                "with commas between: https://example.org,http://localhost:3000"
            )
    return tuple(map(_without_default_port, origins))


def _without_default_port(origin: str) -> str:
    default = ":443" if origin.startswith("https:") else ":80"
    return origin.removesuffix(default)


def _listed(variable: str) -> tuple[str, ...] | None:
    """Return the items of a comma-separated variable; None if it is not set or empty."""
    value = os.environ.get(variable, "").strip()
    return tuple(split_names(value)) if value else None


def shipped_models() -> Path:
    """Return the `models/` that ships with the code, wherever FER_MODELS points."""
    return project_root() / "models"


def face_shape_path() -> Path:
    """Return the path of the average face, written by `python -m training face-shape SOURCE`."""
    return shipped_models() / "face_shape.npz"


def landmarker_path() -> Path:
    """Return the path of MediaPipe's face landmarker, which ships with the code in `models/`."""
    return shipped_models() / "face_landmarker.task"
