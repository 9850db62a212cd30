"""``postroad sendmail``: the drop-in for ``/usr/sbin/sendmail``."""
