"""Authentication-Results (RFC 8601): what a receiver found out about a message, written into its header."""
