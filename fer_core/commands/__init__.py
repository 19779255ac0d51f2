"""The commands of `python -m fer_core`, one file per command, and their helpers."""
