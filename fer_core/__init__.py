"""Second Look's core: a photo in, every face's apparent expression out.

Importing this package loads neither Streamlit nor TensorFlow nor Keras; each module imports what it
needs where it needs it.
"""

__version__ = "0.1.0"
