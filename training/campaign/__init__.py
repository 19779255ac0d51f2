"""Campaigns: train teachers one by one, store their predictions, choose an ensemble, train students."""
