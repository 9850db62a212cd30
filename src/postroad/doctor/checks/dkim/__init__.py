"""DKIM (RFC 6376): the keys of the domain's selectors."""
