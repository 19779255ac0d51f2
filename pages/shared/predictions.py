"""A network's stored predictions, read once for all visitors: they hold no photo."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.files import version_of

if TYPE_CHECKING:
    from fer_core.evaluation.predictions import EvaluationResult


def stored_predictions(file: Path) -> "EvaluationResult":
    """Return the predictions in a file, read again when the file has changed.

    Raises:
        DataError: it is missing or damaged.
    """
    from fer_core.evaluation.predictions import read_predictions

    try:
        version = version_of(file)
    except OSError:
        # This says what is missing.
        return read_predictions(file)
    return _read(str(file), version)


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(file: str, version: tuple[int, int]) -> "EvaluationResult":
    from fer_core.evaluation.predictions import read_predictions

    return read_predictions(Path(file))
