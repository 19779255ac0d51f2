"""Campaigns: teachers trained one by one, their answers kept, an ensemble chosen, students taught by it."""
