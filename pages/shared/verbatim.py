"""Verbatim display of foreign text: Streamlit interprets nearly every text as Markdown.

File names, what a visitor's table holds, and messages that quote either are shown, never obeyed: a photo
may be called `[x](javascript:alert(1))` or `$x$.png`.
"""

import re
from typing import Final

from fer_core.settings import models_root

#: Controls, and the marks that make a line read backwards: `photo\u202egpj.exe` looks like an exe.jpg.
_INVISIBLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_REPLACED: Final = "\ufffd"
#: Shows nothing and joins no words: it parts what Streamlit would make a link, an emoji or a colour of,
#: which it looks for after backslashes are gone.
_JOINER: Final = "\u2060"
_CODE: Final = r"`[^`]+`"
_SPECIAL: Final = re.compile(
    rf"({_CODE})|([\\`*\[\]<>$~&#|{{}}!]|(?<![^\W_])_|_(?![^\W_]))|(:(?=\S)|@|\bwww(?=\.))",
    re.IGNORECASE,
)
#: What would make a list, a heading or a quotation at the start of a paragraph.
_START: Final = re.compile(r"^(?=[-+=]|\d+[.)])")

#: An absolute path of at least three names; the last two are kept. An address has a colon or slash before.
_PATH: Final = re.compile(r"(?<![\w.:/])/(?:[^\s/`]+/)+([^\s/`]+/[^\s/`]+)")


def name_as_code(name: str) -> str:
    """Return a name as Markdown code, in which no character has a special meaning."""
    shown = _INVISIBLE.sub(_REPLACED, name)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # Markdown takes one space off each side if both have one.
    space = " " if not shown.strip(" `") or shown[0] in " `" or shown[-1] in " `" else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown else "` `"


def message_as_text(message: object) -> str:
    """Return a sentence, for instance of an error, escaped for Markdown; backticks still mark code."""
    text = _INVISIBLE.sub(" ", str(message)).strip()

    def shown(match: re.Match[str]) -> str:
        code, special, parted = match.groups()
        return code or (f"\\{special}" if special else f"{parted}{_JOINER}")

    return _START.sub(_JOINER, _SPECIAL.sub(shown, text))


def public_message(message: object) -> str:
    """Return a message like `message_as_text`, without the places of files on the server."""
    return message_as_text(without_paths(message))


def without_paths(message: object) -> str:
    """Return a message with absolute paths cut to their last two names.

    Where files lie on the server is no visitor's business.
    """
    # Absolute: "." may stand for something else in a sentence, and a relative path is no secret.
    return _PATH.sub(r"\1", str(message).replace(str(models_root().absolute()), "models"))
