"""Second Look's server: the pages and the routes beside them. Start it with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from pages.server.lifespan import lifespan
from pages.server.routes import routes

# Not in pages/ itself and not beside it, where Streamlit would take each page for an app of its own.
_SCRIPT = Path(__file__).parent / "pages" / "shared" / "navigation.py"

app = st.App(_SCRIPT, routes=routes(), lifespan=lifespan)
