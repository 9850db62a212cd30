"""DMARC by RFC 9989: what the owner of a domain wishes for mail in its name, and whether a message is in its name."""
