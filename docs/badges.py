"""Write README's badges, docs/badges/*.svg, from pyproject.toml: python docs/badges.py.

They are files of this repository, so that they need no server and say what is true of this commit.
`tests/test_docs.py` compares them with what this would write.
"""

import tomllib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = PROJECT / "docs" / "badges"
#: Average width of a character of 11 px Verdana, and the margin at each end of a text, in pixels.
_CHARACTER: Final = 6.9
_MARGIN: Final = 7
_SVG: Final = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"
 aria-label="{alt}">
<title>{alt}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444c52"/>
<rect x="{left}" width="{right}" height="20" fill="#0F6E84"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{label_x}" y="14">{label}</text><text x="{value_x}" y="14">{value}</text></g>
</svg>
"""


def badges() -> Mapping[str, str]:
    """Return each badge as SVG, by the name of its file."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = _classified(project, "Programming Language :: Python :: ")
    texts = {
        "python.svg": ("Python", " | ".join(versions)),
        "platform.svg": (
            "platform",
            ", ".join(_classified(project, "Operating System :: POSIX :: ")),
        ),
        "licence.svg": ("licence", project["license"]),
    }
    return {name: _svg(*text) for name, text in texts.items()}


def _classified(project: Mapping[str, Any], prefix: str) -> list[str]:
    return [c.removeprefix(prefix) for c in project["classifiers"] if c.startswith(prefix)]


def _svg(label: str, value: str) -> str:
    left, right = (round(_CHARACTER * len(text)) + 2 * _MARGIN for text in (label, value))
    return _SVG.format(
        width=left + right,
        left=left,
        right=right,
        label_x=left / 2,
        value_x=left + right / 2,
        label=escape(label),
        value=escape(value),
        alt=escape(f"{label}: {value}"),
    )


def main() -> None:
    """Write all badges."""
    FOLDER.mkdir(exist_ok=True)
    for name, svg in badges().items():
        (FOLDER / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
