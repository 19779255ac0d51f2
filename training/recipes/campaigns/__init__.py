"""The campaigns, one module each, with a value CAMPAIGN."""
