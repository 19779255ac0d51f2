"""Teachers of a run: a bundle, or the ensemble of a campaign, and their stored predictions."""
