"""Training on a machine with an accelerator and JAX, without internet access."""
