"""Recipes, one file per experiment."""
