"""SPF (RFC 7208): who may send for the domain."""
