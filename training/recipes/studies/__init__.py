"""Studies, one file per study."""
