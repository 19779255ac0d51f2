"""Studies, searches and the record of training runs."""
