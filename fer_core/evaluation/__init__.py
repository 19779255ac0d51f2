"""Evaluation of networks: stored predictions, and the measures computed from them."""
