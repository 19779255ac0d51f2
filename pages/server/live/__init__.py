"""The server's side of the Live page: frames of a visit in, answers out."""
