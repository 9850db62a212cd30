"""Where reports about a domain are to be sent: the URI lists of ``rua`` and ``ruf`` (RFC 9989 §4.6, §4.8)."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from postroad.mailauth.domain_name import domain_name

# RFC 3986 §2: what may stand in a URI at all. A comma and "!" must be encoded here (RFC 9989 §4.8).
_URI: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):((?:[A-Za-z0-9\-._~:/?#\[\]@$&'()*+;=]|%[0-9A-Fa-f]{2})+)")
_SIZE: Final = re.compile(r"![0-9]+[kmgt]?\Z", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"//(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^:/?#\[\]]+)(?::[0-9]*)?(?:[/?#]|\Z)")


@dataclass(frozen=True, slots=True)
class ReportingUri:
    """``address`` is who a mailto: names, ``host`` the domain that the reports go to; ``limit`` is the obsolete size
    behind a ``!``, which means nothing any more (RFC 9989 §4.8)."""

    uri: str
    scheme: str
    host: str
    address: str | None = None
    limit: str | None = None


def reporting_uri(text: str) -> ReportingUri | None:
    """One entry of the list; ``None`` if it is no URI that a report could be sent to."""
    size = _SIZE.search(text)
    uri = text[: size.start()] if size else text
    found = _URI.fullmatch(uri)
    if found is None:
        return None
    limit = size.group()[1:] if size else None
    scheme = found[1].lower()
    if scheme == "mailto":
        return _mailto(uri, found[2], limit)
    authority = _AUTHORITY.match(found[2])
    host = domain_name(authority[1]) if authority else None
    return ReportingUri(uri, scheme, host, None, limit) if host else None


def _mailto(uri: str, rest: str, limit: str | None) -> ReportingUri | None:
    # RFC 6068 §2. Several addresses would need a comma, which may not stand here; encoded, it is part of one address.
    address = unquote(rest.partition("?")[0])
    local, at, domain = address.rpartition("@")
    host = domain_name(domain)
    if not at or not local or host is None or not address.isprintable() or "," in address or " " in address:
        return None
    return ReportingUri(uri, "mailto", host, f"{local}@{host}", limit)
