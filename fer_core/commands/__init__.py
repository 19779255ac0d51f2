"""The commands of `python -m fer_core`, a file each, and what only they need."""
