"""Training on a machine that has an accelerator, JAX, and no network."""
