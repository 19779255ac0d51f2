"""From untrusted bytes to a photo: decoding, and checks before it."""
