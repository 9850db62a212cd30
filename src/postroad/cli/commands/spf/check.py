"""``postroad spf check``."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.json_cases import BadCase, cases_on_standard_input
from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.cli.spf_verdict import as_json, say_verdict
from postroad.errors import MessageError

if TYPE_CHECKING:
    from postroad.lookup import Resolver
    from postroad.mailauth.spf.record import Address
    from postroad.mailauth.spf.verdict import SpfVerdict

_RESULTS = ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")


@dataclass(frozen=True, slots=True)
class _Case:
    """Who sends."""

    ip: "Address"
    helo: str
    mail_from: str
    receiver: str


@click.command()
@click.option("--ip", metavar="ADDRESS", help="The address that the mail comes from.")
@click.option("--helo", metavar="NAME", default="", help="The name the client says in HELO or EHLO.")
@click.option(
    "--mail-from", metavar="ADDRESS", default="", help="The sender in MAIL FROM; without one HELO is checked."
)
@click.option("--receiver", metavar="NAME", default="unknown", help="Who asks, for %{r} in explanations.")
@click.option("--expect", metavar="RESULT", type=click.Choice(_RESULTS), help="End with 3 if it is another result.")
@dns_option
@form_options
def check(
    form: Form, dns: str | None, ip: str | None, helo: str, mail_from: str, receiver: str, expect: str | None
) -> None:
    """Say whether a host may send mail for a domain.

    The answer comes with every term of the policy that was tried, and what the DNS said to it. With --jsonl and without
    --ip the cases come on standard input, one object a line: ip, helo, mail_from. A line that is none is told, and the
    exit code is 65. Records that are not published yet can be tried with --dns.
    """
    resolver = resolver_of(dns)
    if ip is None:
        if form is not Form.JSON_LINES:
            raise click.UsageError("--ip is missing; or give --jsonl, and cases on standard input")
        asyncio.run(_check_all(resolver, receiver, expect))
        return
    case = _Case(_address(ip, "--ip"), helo, mail_from, receiver)
    verdict = asyncio.run(_verdict(case, resolver))
    if form is Form.TEXT:
        say_verdict(case.ip, verdict)
    else:
        say_json(as_json(verdict), form)
    if expect is not None and verdict.result != expect:
        raise Ended(ExitCode.CHECKS_FAILED)


async def _check_all(resolver: "Resolver", receiver: str, expect: str | None) -> None:
    code = ExitCode.OK
    for case in cases_on_standard_input(lambda fields: _case(fields, receiver)):
        if isinstance(case, BadCase):
            say_json_line(case.as_json())
            code = ExitCode.BAD_MESSAGE
            continue
        verdict = await _verdict(case, resolver)
        say_json_line(as_json(verdict))
        if expect is not None and verdict.result != expect and code is ExitCode.OK:
            code = ExitCode.CHECKS_FAILED
    if code is not ExitCode.OK:
        raise Ended(code)


async def _verdict(case: _Case, resolver: "Resolver") -> "SpfVerdict":
    from postroad.mailauth.spf.check import check as check_host  # late: --help needs none of it

    return await check_host(case.ip, case.helo, case.mail_from, resolver, receiver=case.receiver)


def _case(fields: dict[str, Any], receiver: str) -> _Case:
    return _Case(_address(_text(fields, "ip"), "ip"), _text(fields, "helo"), _text(fields, "mail_from"), receiver)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise MessageError(f"{name}: a text is wanted", field=name)
    return value or ""


def _address(text: str, field: str) -> "Address":
    from ipaddress import ip_address  # late, beside what uses it

    try:
        return ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError as fault:
        raise MessageError(
            f"{field}: {text!a:.80} is no IP address", field=field.lstrip("-"), advice="Write 192.0.2.1 or 2001:db8::1."
        ) from fault
