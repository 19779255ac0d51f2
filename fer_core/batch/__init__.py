"""Many files on one machine: inputs, processes, progress, results."""
