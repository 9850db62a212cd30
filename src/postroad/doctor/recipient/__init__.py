"""One recipient's address: whether it is one, and whether its domain takes mail. No server is asked about mailboxes."""
