"""What a run learns: its network, its data and its targets."""
