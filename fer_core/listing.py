"""Lists in sentences."""

from collections.abc import Iterable


def listed(names: Iterable[object]) -> str:
    """Return "a, b and c"; nothing for none."""
    words = [str(name) for name in names]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
