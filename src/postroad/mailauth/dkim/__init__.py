"""DKIM signatures (RFC 6376, 8301, 8463, 8616): made, checked, and the keys for it."""
