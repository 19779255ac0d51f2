"""One file a network family, in pure Keras 3."""
