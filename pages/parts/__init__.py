"""Modules of a single page, named after the page."""
