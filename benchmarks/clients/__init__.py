"""SMTP clients. Each function sends the letter ``count`` times to a sink, and returns the seconds it took."""
