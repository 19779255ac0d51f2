"""The training loop, and what runs while epochs pass."""
