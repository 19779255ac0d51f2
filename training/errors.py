"""Errors of training runs."""

from fer_core.errors import FerError


class TrainingError(FerError):
    """A run cannot start, go on, or be resumed."""
