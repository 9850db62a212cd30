"""The domains that a sample of the mail names besides that of From: where replies go to, and where its links lead."""

from typing import Final

from postroad.doctor.subject import Subject
from postroad.lint.links import host_of
from postroad.lint.message import linted
from postroad.mailauth.domain_name import domain_name
from postroad.net.host_name import as_address
from postroad.routing.site import registered_name

MAX_LINKS: Final = 20  # domains that are looked at; mail that leads to more is rare, and lists are asked for each


def reply_domains(subject: Subject) -> tuple[str, ...]:
    """Those of Reply-To."""
    if subject.sample is None:
        return ()
    domains = [one.domain for one in linted(subject.sample).addresses("reply-to")]
    return tuple(dict.fromkeys(one for one in domains if domain_name(one) is not None))


def link_domains(subject: Subject) -> tuple[str, ...]:
    """What the hosts of links are registered under, as lists of domains have it (RFC 5782 §3)."""
    if subject.sample is None:
        return ()
    hosts = [host_of(link.url) for link in linted(subject.sample).links]
    names = [domain_name(host) for host in hosts if host is not None and as_address(host) is None]
    return tuple(dict.fromkeys(registered_name(name) for name in names if name is not None and "." in name))[:MAX_LINKS]
