"""From a trained network to a bundle's folder and its card."""
