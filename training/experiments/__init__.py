"""Whole runs, studies, searches, and what is made from their results."""
