"""The domain in the DNS: that it exists, and can be asked about."""
