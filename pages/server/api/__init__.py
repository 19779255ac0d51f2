"""The HTTP API: photos in, JSON out, on the port of the pages and with their limits."""
