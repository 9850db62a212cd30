"""Email APIs over HTTP: the shell around the pure providers."""
