"""The Authenticated Received Chain (RFC 8617): what each forwarder found before it changed the message, sealed."""
