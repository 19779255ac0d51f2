"""Whole runs, studies, searches, and the files made from their results."""
