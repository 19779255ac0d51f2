"""The server: code that depends on the internals of Streamlit 1.67, and the routes beside its pages."""
