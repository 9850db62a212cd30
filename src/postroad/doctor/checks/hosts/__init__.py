"""The hosts that send: their names, and the way back from the names."""
