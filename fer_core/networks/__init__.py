"""Trained networks: their bundles, where these come from, and what they answer."""
