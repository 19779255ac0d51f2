"""Untrusted bytes to a photo: what is decoded, and what is refused before."""
