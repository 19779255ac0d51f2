"""A bundle's files, their sha256, and its model card."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.errors import FerError
from fer_core.files import version_of
from fer_core.networks.bundles import (
    CARD_FILE,
    HISTORY_FILE,
    KERAS_FILE,
    LAYERS_FILE,
    PREDICTIONS_FOLDER,
    SERVING_FILE,
    SPEC_FILE,
    BaseBundle,
)
from pages.shared.downloads import offer_file
from pages.shared.verbatim import public_message

if TYPE_CHECKING:
    AnyBundle = BaseBundle[Any]

_FILES: Final = {
    SERVING_FILE: "weights that the app runs (LiteRT)",
    KERAS_FILE: "weights for fine-tuning (Keras 3)",
    LAYERS_FILE: "layers and their cost",
    HISTORY_FILE: "training history by epoch",
    CARD_FILE: "the model card, below",
    SPEC_FILE: "labels, calibration, sha256 and metrics",
}


def show_files(bundle: "AnyBundle") -> None:
    """Show a bundle's origin, its files, and whether their SHA-256 is right."""
    st.subheader("Files")
    st.markdown(_origin(bundle))
    # Where only what serves is kept, the Keras file may be missing.
    here = [
        n for n in bundle.spec.sha256 if not bundle.is_for_serving or (bundle.path / n).exists()
    ]
    checks = {name: _check(bundle, name) for name in here}
    paths = [*bundle.path.iterdir(), *(bundle.path / PREDICTIONS_FOLDER).glob("*")]
    st.dataframe(
        [
            {
                "File": str(path.relative_to(bundle.path)),
                "Size (MB)": path.stat().st_size / 1e6,
                "What": _FILES.get(path.name, ""),
                "Checksum": {"": "verified", None: ""}.get(checks.get(path.name), "differs"),
                "sha256": bundle.spec.sha256.get(path.name, ""),
            }
            for path in sorted(paths)
            if path.is_file()
        ],
        hide_index=True,
        column_config={
            "File": st.column_config.TextColumn(width=210, pinned=True),
            "Size (MB)": st.column_config.NumberColumn(format="%.3f", width=85),
            "Checksum": st.column_config.TextColumn(width=85),
            "sha256": st.column_config.TextColumn(width=520),
        },
    )
    for problem in filter(None, checks.values()):
        st.error(public_message(problem), icon=":material/report:")


def _origin(bundle: "AnyBundle") -> str:
    """Show a bundle's origin and revision, without paths of the server."""
    if bundle.pin is None:
        text = f"Loaded from the bundle `{bundle.path.name}` of this server."
        return (
            f"{text} Not from the Hub: {public_message(bundle.missed)}" if bundle.missed else text
        )
    return f"Loaded from {bundle.origin}."


def _check(bundle: "AnyBundle", name: str) -> str:
    """Return the fault of a weight file; empty if its SHA-256 is right."""
    path = bundle.path / name
    try:
        changed = version_of(path)
    except OSError:
        changed = None
    return _verify(bundle, str(path), bundle.spec.sha256[name], changed)


# A tenth of a second for the largest; path, checksum and time of change stand for the file.
@st.cache_data(show_spinner=False, max_entries=64)
def _verify(_bundle: Any, path: str, sha256: str, changed: tuple[int, int] | None) -> str:
    try:
        _bundle.verify(Path(path).name)
    except FerError as error:
        return str(error)
    return ""


def show_card(bundle: "AnyBundle") -> None:
    """Show a bundle's card and offer it for download."""
    try:
        card = (bundle.path / CARD_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        st.info(f"This network has no readable card ({CARD_FILE}).")
        return
    with st.expander("Model card", icon=":material/description:"):
        st.markdown(card_body(card))
    offer_file(
        "Download model card (Markdown)",
        card,
        f"{bundle.spec.name}-{CARD_FILE}",
        "text/markdown",
        type="tertiary",
    )


def card_body(card: str) -> str:
    """Return a card without its metadata, and with headings one level lower, since the page has a title."""
    lines = card.splitlines()
    if lines and lines[0] == "---" and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    in_code = False
    body = []
    for line in lines:
        in_code ^= line.startswith("```")
        body.append(f"#{line}" if line.startswith("#") and not in_code else line)
    return "\n".join(body).strip()
