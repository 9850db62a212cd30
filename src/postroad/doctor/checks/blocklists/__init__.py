"""Blocklists: whether a host or a name is on one."""
