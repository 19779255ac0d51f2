"""The live camera of one visitor."""
