"""The parts of the Live page: the camera in the browser (JavaScript) and its Python side."""
