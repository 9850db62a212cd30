"""Whether a host may send mail for a domain: the Sender Policy Framework (RFC 7208)."""
