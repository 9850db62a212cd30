"""DMARC (RFC 9989): what the domain wishes for mail in its name."""
