"""Networks as such: their files, their layers, and layers that are faster to train."""
