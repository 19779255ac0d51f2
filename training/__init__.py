"""Everything that makes a bundle: data sources, architectures, recipes, and the loop around them."""
