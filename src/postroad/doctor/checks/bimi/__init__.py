"""BIMI: the logo beside the mail."""
