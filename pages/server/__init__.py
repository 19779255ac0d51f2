"""The server: what depends on Streamlit's insides, as they are in 1.67, and the routes beside its pages."""
