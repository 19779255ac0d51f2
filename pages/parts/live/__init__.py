"""The parts of the Live page: the camera in the browser (JavaScript), and what Python has to do with it."""
