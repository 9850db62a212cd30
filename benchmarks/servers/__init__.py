"""Servers that take mail and throw it away, each in a process of its own."""
