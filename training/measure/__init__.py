"""Measuring bundles on data sets and photos."""
