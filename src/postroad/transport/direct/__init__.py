"""``direct://``: each message to the mail exchangers of its recipients' domains."""
