"""``postroad check domain``."""

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.key_options import checked_names, key_of
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.references import bytes_value, url_value
from postroad.cli.terminal import note
from postroad.errors import ConfigurationError
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.doctor.beyond import Beyond
    from postroad.doctor.prescription import Prescribed
    from postroad.doctor.profile import Standing
    from postroad.doctor.subject import Address, Subject
    from postroad.lint.finding import Finding
    from postroad.lookup import Fetcher, Resolver
    from postroad.mailauth.dkim.keys import SigningKey

_PROFILES: Final = ("gmail-bulk", "yahoo-bulk", "outlook-bulk", "icloud", "all")


@click.command()
@click.argument("domain", metavar="DOMAIN")
@click.option("--ip", "ips", metavar="ADDRESS", multiple=True, help="An address that sends the mail.")
@click.option("--selector", "selectors", metavar="NAME", multiple=True, help="A DKIM selector that signs.")
@click.option(
    "--key", "keys", metavar="[SELECTOR=]FILE", multiple=True,
    help="The private key of a selector, to compare, prove and show its record. Without a name: of the selectors in "
    "their order.",
)  # fmt: skip
@click.option("--keys", "folder", metavar="DIR", help="The folder of `postroad dkim rotate`: selectors, keys, ages.")
@click.option("--helo", metavar="NAME", help="What the hosts say in EHLO.")
@click.option("--mail-from", metavar="DOMAIN", default="", help="The domain of the return path, where it is another.")
@click.option("--sample", metavar="FILE", help="A message as it goes out, to see what its signatures cover.")
@click.option("--parked", is_flag=True, help="The domain sends no mail at all.")
@click.option("--connect", is_flag=True, help="Visit the domain's mail exchangers on port 25 and its web server, too.")
@click.option("--transport", metavar="URL", help="The route by which its mail goes out, to judge its TLS.")
@click.option("--profile", type=click.Choice(_PROFILES), help="Show what this receiver demands of mail in bulk.")
@dns_option
@form_options
def domain(form: Form, dns: str | None, domain: str, profile: str | None, **said: Any) -> None:
    """Look at the DNS of a domain that sends mail, and say what to publish.

    Everything that large receivers ask of a sender is looked at: name servers, SPF, the keys of the selectors, DMARC,
    the names of the hosts. The more is given, the more can be checked. With --dns records can be tried before they are
    published; no server is visited unless --connect asks for it. A finding of the level fail gives the exit code 3; if
    the DNS did not answer, so that something could not be found out, it is 75.
    """
    subject, resolver = _subject(domain, said), resolver_of(dns)
    examined = asyncio.run(
        _examined(
            subject, resolver, _beyond(said["transport"], connect=said["connect"]), profile, in_file=dns is not None
        )
    )
    if form is Form.TEXT:
        _say(subject, examined)
    else:
        say_json(_as_json(subject, profile, examined), form)
    _end(examined.findings)


class _Examined(NamedTuple):
    """What is to be told."""

    findings: "tuple[Finding, ...]"
    prescribed: "tuple[Prescribed, ...]"
    standings: "tuple[Standing, ...]"


async def _examined(
    subject: "Subject",
    resolver: "Resolver",
    beyond: "tuple[Beyond, Fetcher | None]",
    profile: str | None,
    *,
    in_file: bool,
) -> _Examined:
    from postroad.doctor.checks.registry import CHECKS  # late, as all of the doctor: --help needs none of it
    from postroad.doctor.checkup import check_domain
    from postroad.doctor.extent import Extent
    from postroad.doctor.prescription import prescribe
    from postroad.doctor.profile import judged, standings
    from postroad.doctor.profiles import profiles_named
    from postroad.doctor.questions import SharedResolver

    shared, extent = SharedResolver(resolver), Extent.FILE if in_file else Extent.WORLD
    findings = await check_domain(subject, shared, beyond=beyond[0], fetcher=beyond[1], extent=extent)
    prescribed = await prescribe(subject, shared, findings, CHECKS, extent)
    profiles = profiles_named(profile) if profile else ()
    return _Examined(judged(findings, profiles), prescribed, standings(findings, profiles))


def _beyond(transport: str | None, *, connect: bool) -> "tuple[Beyond, Fetcher | None]":
    from postroad.doctor.beyond import Beyond

    route = url_value(transport, "--transport")
    if not connect:
        return Beyond(route=route), None
    from postroad.cli.visits import ask_about_mailboxes, visit_exchanger
    from postroad.net.https_fetcher import HttpsFetcher

    return Beyond(visitor=visit_exchanger, mailboxes=ask_about_mailboxes, route=route), HttpsFetcher()


def _as_json(subject: "Subject", profile: str | None, examined: _Examined) -> dict[str, Any]:
    document: dict[str, Any] = {
        "domain": subject.domain,
        "findings": [one.as_dict() for one in examined.findings],
        "publish": [each.record.line for each in examined.prescribed],
    }
    if profile is None:
        return document
    return {**document, "profile": profile, "requirements": [one.as_dict() for one in examined.standings]}


def _say(subject: "Subject", examined: _Examined) -> None:
    from postroad.cli.domain_report import say_report  # late, with the doctor
    from postroad.cli.findings import summary
    from postroad.doctor.checks.registry import CHECKS

    areas = {check.id: check.area for check in CHECKS}
    found = [(areas[one.id], one) for one in examined.findings]
    say_report(subject, found, examined.prescribed, examined.standings)
    note(f"{one_line(subject.domain)}: {summary(examined.findings)}")


def _end(findings: "tuple[Finding, ...]") -> None:
    from postroad.cli.findings import code_of  # late, with the doctor

    code = code_of(one.level for one in findings)
    if code is not ExitCode.OK:
        raise Ended(code)


def _subject(domain: str, said: dict[str, Any]) -> "Subject":
    from postroad.doctor.subject import Subject

    kept = _kept(said["folder"], domain)
    return Subject(
        domain=domain,
        mail_from=said["mail_from"],
        helo=said["helo"],
        ips=tuple([_address(text) for text in said["ips"]]),
        selectors=said["selectors"],
        keys={**{selector: key for selector, (key, _) in kept.items()}, **_keys(said["keys"], said["selectors"])},
        key_dates={selector: since for selector, (_, since) in kept.items()},
        sample=bytes_value(said["sample"], "--sample") if said["sample"] else None,
        parked=said["parked"],
    )


def _address(text: str) -> "Address":
    from ipaddress import ip_address

    try:
        return ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError as fault:
        advice = "Write 192.0.2.1 or 2001:db8::1."
        raise ConfigurationError(f"--ip: {text!a:.80} is no IP address", setting="--ip", advice=advice) from fault


def _keys(given: tuple[str, ...], selectors: tuple[str, ...]) -> "dict[str, SigningKey]":
    unnamed = list(selectors)
    keys = {}
    for one in given:
        name, equals, value = one.partition("=")
        named = bool(equals) and "/" not in name  # a path may have one, too
        selector = name if named else next(iter(unnamed), None)
        if selector is None:
            advice = "Give --selector NAME for each, or --key NAME=FILE."
            raise ConfigurationError("--key: whose key is this?", setting="--key", advice=advice)
        if selector in unnamed:
            unnamed.remove(selector)
        keys[selector.lower()] = key_of(value if named else one)
    return keys


def _kept(folder: str | None, domain: str) -> "dict[str, tuple[SigningKey, float]]":
    """The keys of the folder that sign now, and since when."""
    if folder is None:
        return {}
    from postroad.mailauth.dkim.rotation import KeyState
    from postroad.mailer.key_folder import KeyFolder

    keys = KeyFolder(folder)
    name = checked_names(domain, "x")[0]
    return {
        one.selector: (keys.private(one), one.since) for one in keys.keys(name) if one.state is KeyState.ACTIVE
    }  # fmt: skip
