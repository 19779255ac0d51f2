"""How good networks are: what they answered, and the measures taken from it."""
