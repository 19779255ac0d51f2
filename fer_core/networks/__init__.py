"""Trained networks: bundles, their sources, and predictions."""
