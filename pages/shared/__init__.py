"""What several pages use: photo intake, loaders of models, results and notes."""
