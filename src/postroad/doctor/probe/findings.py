"""What was seen of a server, as findings: each fault by its name, with the setting that suits.

Steps that were not reached have no finding: the one that failed says why.
"""

from collections.abc import Iterator
from datetime import datetime

from postroad.doctor.probe.certificate_findings import about_certificate
from postroad.doctor.probe.offer_findings import about_offer
from postroad.doctor.probe.reach_findings import about_hello, about_reach
from postroad.doctor.probe.server import Probed
from postroad.doctor.probe.tls_findings import about_tls
from postroad.lint.finding import Finding


def findings_of(probed: Probed, now: datetime) -> tuple[Finding, ...]:
    """The findings, in the order of the steps of a connection. ``now`` is aware."""
    return tuple(_findings(probed, now))


def _findings(probed: Probed, now: datetime) -> Iterator[Finding]:
    yield from about_reach(probed)
    yield from about_hello(probed)
    yield from about_tls(probed)
    yield from about_certificate(probed, now)
    yield from about_offer(probed)
