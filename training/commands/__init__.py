"""The commands of `python -m training`, one file per command, and their shared parts."""
