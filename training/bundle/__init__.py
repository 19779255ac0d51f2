"""From a trained network to a bundle's folder, and to the Hugging Face Hub."""
