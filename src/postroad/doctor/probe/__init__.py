"""One server, as a client meets it: reached, greeted, encrypted, and never given any mail."""
