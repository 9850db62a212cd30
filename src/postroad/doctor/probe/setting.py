"""The setting that suits a server: the URL of a route, ready to be copied."""

from typing import Final
from urllib.parse import quote

from postroad.net.host_name import authority
from postroad.net.tls import Tls
from postroad.transport.smtp.place import Protocol
from postroad.transport.smtp.settings import Smtp

_SCHEMES: Final = {
    Tls.REQUIRED: "smtp",
    Tls.IMPLICIT: "smtps",
    Tls.OPPORTUNISTIC: "smtp+opportunistic",
    Tls.NONE: "smtp+insecure",
}
_PLAIN: Final = "/:+=;,"  # of a query's value (RFC 3986 §3.4), so that a pin or a path stays readable


def setting(account: Smtp, tls: Tls, *, host: str = "", port: int = 0, **options: str) -> str:
    """The URL for this server, with what was said of it but the account: host, port, CA and name can be others."""
    given = {"ca": account.ca, "server_name": account.server_name, **options}
    if host:
        given["server_name"] = None
    if tls is Tls.NONE:
        given = {}  # each is about a certificate, and there is none
    told = [f"{name}={quote(value, safe=_PLAIN)}" for name, value in given.items() if value]
    if account.protocol is Protocol.LMTP:
        scheme, told = "lmtp", [f"tls={tls.value}", *told]
    else:
        scheme = _SCHEMES[tls]
    place = account.socket_path or authority(host or account.host, port or account.port)
    return f"{scheme}://{place}{'?' if told else ''}{'&'.join(told)}"
