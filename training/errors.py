"""Errors of training runs."""

from fer_core.errors import FerError


class TrainingError(FerError):
    """A run cannot start, go on, or be resumed."""


class DivergedError(TrainingError):
    """The loss of a run is no longer finite: such settings do not train."""
