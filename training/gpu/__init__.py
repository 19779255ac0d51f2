"""Training on a machine with an accelerator and JAX, but no network."""
