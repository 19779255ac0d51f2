"""What one page alone uses, named after the page."""
