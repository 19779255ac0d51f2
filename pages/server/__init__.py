"""What depends on Streamlit's insides."""
