"""Modules of several pages: photo intake, model loading, results and notes."""
