"""The task of a run: network, data and targets."""
