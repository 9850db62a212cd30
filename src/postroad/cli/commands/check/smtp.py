"""``postroad check smtp``."""

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.references import url_value
from postroad.cli.terminal import note, say, styled
from postroad.errors import ConfigurationError
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.doctor.probe.server import Probed
    from postroad.lint.finding import Finding
    from postroad.transport.smtp.settings import Smtp

# A name or an IPv4 address, or an IPv6 address in brackets, and a port; or an IPv6 address as it is.
_PLACE: Final = re.compile(
    r"(?P<host>[^\[\]:/@\s]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+"
)
_IMPLICIT_PORT: Final = 465  # RFC 8314 §3.3


@click.command()
@click.argument("host", metavar="HOST")
@click.option("--port", type=click.IntRange(1, 65535), help="The port; else 587, and 465 with --tls implicit.")
@click.option(
    "--tls", type=click.Choice(("starttls", "implicit")), help="How TLS begins; else implicit on port 465 alone."
)
@click.option("--ca", metavar="FILE", help="Trust the issuers in this PEM file instead of the system's.")
@click.option("--server-name", metavar="NAME", help="What the certificate must name, where that is not HOST.")
@click.option("--ehlo", metavar="NAME", help="The name to say in EHLO.")
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True,
    help="How long to wait for each answer.",
)  # fmt: skip
@form_options
def smtp(form: Form, host: str, **said: Any) -> None:
    """Look at one SMTP server, and say what is wrong with it and which setting suits.

    HOST is a name or an address, with :PORT if you like, or the URL of a route as you mean to use it. The server is
    asked for its greeting, its extensions, TLS and its certificate, as a client that verifies would. Nobody logs in,
    and nothing is sent. A finding of the level fail gives the exit code 3; if a server or the DNS asks for patience, so
    that nothing can be said, it is 75.
    """
    from postroad.cli.findings import code_of  # late, with the probe: --help needs none of it
    from postroad.clock import SYSTEM_CLOCK, as_datetime
    from postroad.doctor.probe.findings import findings_of
    from postroad.doctor.probe.server import probe

    account = _account(host, said)
    probed = asyncio.run(probe(account))
    findings = findings_of(probed, as_datetime(SYSTEM_CLOCK.now()))
    if form is Form.TEXT:
        _say(probed, findings)
    else:
        say_json(_as_json(probed, findings), form)
    code = code_of(one.level for one in findings)
    if code is not ExitCode.OK:
        raise Ended(code)


def _account(host: str, said: dict[str, Any]) -> "Smtp":
    from dataclasses import replace

    from postroad.net.tls import Tls
    from postroad.transport.smtp.settings import Smtp, Timeouts

    timeouts = Timeouts().capped(said["timeout"])
    named = {name: said[name] for name in ("ca", "server_name", "ehlo") if said[name] is not None}
    if "://" in host:
        if said["port"] is not None or said["tls"] is not None:
            raise click.UsageError("the URL says port and TLS; leave --port and --tls out")
        return replace(_of_url(host), timeouts=timeouts, **named)
    place = _PLACE.fullmatch(host)
    if place is None:
        raise click.UsageError(f"{one_line(host)[:80]} is neither a host, nor HOST:PORT, nor the URL of a route")
    if place["port"] is not None and said["port"] is not None:
        raise click.UsageError("the port is given twice; leave --port out")
    port = int(place["port"] or said["port"] or 0)
    implicit = said["tls"] == "implicit" or (said["tls"] is None and port == _IMPLICIT_PORT)
    tls = Tls.IMPLICIT if implicit else Tls.REQUIRED
    return Smtp(place["host"] or host, port, tls=tls, timeouts=timeouts, **named)


def _of_url(host: str) -> "Smtp":
    from postroad.transport.from_url import from_url
    from postroad.transport.smtp.transport import SmtpTransport

    transport = from_url(url_value(host, "HOST") or "")
    if not isinstance(transport, SmtpTransport):
        raise ConfigurationError(
            f"{transport.name} is no SMTP server", setting="HOST", advice="Give a host, smtp://… or smtps://…"
        )
    return transport.settings


def _as_json(probed: "Probed", findings: "tuple[Finding, ...]") -> dict[str, Any]:
    seen, offered, certificate = probed.furthest, probed.furthest.extensions, probed.certificate
    return {
        "host": probed.account.host,
        "port": probed.account.port,
        "peer": seen.peer or None,
        "tls": probed.spoken.value if seen.version else None,
        "version": seen.version or None,
        "cipher": seen.cipher or None,
        "certificate": None
        if certificate is None
        else {
            "names": list(certificate.all_names),
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
            "pin": certificate.pin or None,
        },
        "greeting": None if seen.greeting is None else str(seen.greeting),
        "extensions": None if offered is None else dict(offered.keywords),
        "auth": [] if offered is None else sorted(offered.auth_mechanisms),
        "max_size": None if offered is None else offered.size_limit,
        "findings": [one.as_dict() for one in findings],
    }


def _say(probed: "Probed", findings: "tuple[Finding, ...]") -> None:
    from postroad.cli.findings import say_findings, summary  # late, with the linter
    from postroad.lint.finding import Level

    where = one_line(probed.account.where)
    say(styled(where, bold=True))
    say_findings(findings)
    for one in findings:
        if one.level is Level.PASS:
            say(f"  {styled('pass   ', 'green')} {one.id:<8} {one_line(one.seen)}")
    note(f"{where}: {summary(findings)}")
