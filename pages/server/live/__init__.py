"""The server's side of the Live page: a visit's frames in, predictions out."""
