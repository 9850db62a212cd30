"""Receiving mail: where bounces, replies and complaints come back to."""
