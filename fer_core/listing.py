"""Words in sentences and in settings: lists, and capital letters."""

from collections.abc import Iterable


def listed(names: Iterable[object]) -> str:
    """Return "a, b and c"; nothing for none."""
    words = [str(name) for name in names]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def capitalized(words: str) -> str:
    """Return words with a capital first letter; the others stay, unlike with `str.capitalize`."""
    return words[:1].upper() + words[1:]


def split_names(text: str) -> list[str]:
    """Return the names in "a, b,c", each once; none of an empty text."""
    return list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
