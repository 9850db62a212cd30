"""SMTP-10 to SMTP-12: what the server offers: ways to log in, and the size of messages."""

from collections.abc import Iterator
from typing import Final

from postroad.doctor.check import excerpt
from postroad.doctor.probe.server import Probed
from postroad.doctor.step import Step
from postroad.lint.finding import Finding, Level
from postroad.net.tls import Tls
from postroad.smtp.extensions import Extensions
from postroad.smtp.sasl import WITH_PASSWORD, WITH_TOKEN
from postroad.transport.smtp.place import DEFAULT_PORT

BEFORE_TLS: Final = Step(
    "SMTP-10",
    "Mechanisms that show the password or a token are offered under TLS only: a client that does not know better "
    "sends them to anybody who listens.",
    "RFC 4954 §4, RFC 8314 §3.3",
)
MECHANISMS: Final = Step(
    "SMTP-11", "A server for submission offers a way to log in that postroad knows.", "RFC 6409 §4.3"
)
SIZE: Final = Step("SMTP-12", "The server says how large a message may be.", "RFC 1870 §4")
_READABLE: Final = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})
_RELAY: Final = DEFAULT_PORT[Tls.OPPORTUNISTIC]


def about_offer(probed: Probed) -> Iterator[Finding]:
    """What the server can do for a client."""
    seen = probed.furthest
    if seen.plain is not None and (seen.plain.starttls or seen.plain.auth_mechanisms):
        yield _before_tls(seen.plain)
    offered = seen.extensions
    # Under STARTTLS what counts is said after the handshake; where that failed, nobody knows.
    if offered is None or (seen.secured is None and seen.plain is not None and seen.plain.starttls):
        return
    yield _mechanisms(probed, offered)
    yield _size(offered)


def _before_tls(plain: Extensions) -> Finding:
    readable = sorted(plain.auth_mechanisms & _READABLE)
    if readable:
        return BEFORE_TLS.finding(Level.WARN, f"AUTH {' '.join(readable)} is offered before TLS")
    return BEFORE_TLS.finding(Level.PASS, "nothing that shows a password is offered before TLS")


def _mechanisms(probed: Probed, offered: Extensions) -> Finding:
    mechanisms = offered.auth_mechanisms
    named = excerpt(" ".join(sorted(mechanisms)))
    known = [one for one in dict.fromkeys((*WITH_PASSWORD, *WITH_TOKEN)) if one in mechanisms]
    if known:
        return MECHANISMS.finding(Level.PASS, f"it offers {named}; postroad knows {' '.join(known)}")
    if mechanisms:
        return MECHANISMS.finding(Level.WARN, f"it offers {named}, none of which postroad knows")
    relay = " to other servers, as port 25 should" if probed.account.port == _RELAY else ""
    return MECHANISMS.finding(Level.INFO, f"it offers no way to log in{relay}")


def _size(offered: Extensions) -> Finding:
    if offered.size_limit is not None:
        return SIZE.finding(Level.PASS, f"messages may have {offered.size_limit} octets")
    return SIZE.finding(Level.INFO, "it names no limit for the size of messages")
