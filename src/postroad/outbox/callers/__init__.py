"""Writing mail in the caller's transaction: through the caller's connection, in the caller's thread.

What to write is decided in ``steps``, which knows no driver; each driver has a small file ``through_…`` that carries
the steps out; ``recognise`` finds the one for a connection. Nothing here commits, rolls back or closes what is the
caller's.
"""
