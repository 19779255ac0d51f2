"""The parts of the batch page."""
