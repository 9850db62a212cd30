"""``postroad dmarc check``."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.dmarc_verdict import as_json, say_verdict
from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.json_cases import BadCase, cases_on_standard_input
from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.errors import MessageError

if TYPE_CHECKING:
    from postroad.cli.dmarc_verdict import Checked
    from postroad.lookup import Resolver
    from postroad.mailauth.dmarc.alignment import Identifier

_OUTCOMES: Final = ("pass", "fail", "none", "permerror", "temperror")
_WORDS: Final = ("pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror")  # RFC 8601 §2.7


@click.command()
@click.argument("domain", required=False)
@click.option("--spf", metavar="DOMAIN[:RESULT]", help="What SPF found out: the domain of MAIL FROM, and its result.")
@click.option("--dkim", metavar="DOMAIN[:RESULT]", multiple=True, help="What DKIM found out: d= of a signature.")
@click.option("--expect", metavar="RESULT", type=click.Choice(_OUTCOMES), help="End with 3 if it is another result.")
@dns_option
@form_options
def check(
    form: Form, dns: str | None, domain: str | None, spf: str | None, dkim: tuple[str, ...], expect: str | None
) -> None:
    """Show the policy that holds for mail from DOMAIN, and every query that led to it.

    With --spf and --dkim, mail in whose From the domain stands is judged, and with --expect also
    where neither says anything; a result that is left out is pass. With
    --jsonl and without DOMAIN the cases come on standard input, one object a line: domain, spf, and dkim as a list,
    each as {"domain": …, "result": …}. A line that is none is told, and the exit code is 65.
    """
    resolver = resolver_of(dns)
    if domain is None:
        if form is not Form.JSON_LINES:
            raise click.UsageError("DOMAIN is missing; or give --jsonl, and cases on standard input")
        asyncio.run(_check_all(resolver, expect))
        return
    given = [("spf", spf)] if spf else []
    identifiers = [
        _identifier(kind, *_split(text, f"--{kind}")) for kind, text in (*given, *(("dkim", one) for one in dkim))
    ]
    checked = asyncio.run(_checked(domain, identifiers, resolver, judge=bool(identifiers) or expect is not None))
    if form is Form.TEXT:
        say_verdict(checked)
    else:
        say_json(as_json(checked), form)
    if expect is not None and checked.result.outcome != expect:
        raise Ended(ExitCode.CHECKS_FAILED)


async def _check_all(resolver: "Resolver", expect: str | None) -> None:
    code = ExitCode.OK
    for case in cases_on_standard_input(_case):
        if isinstance(case, BadCase):
            say_json_line(case.as_json())
            code = ExitCode.BAD_MESSAGE
            continue
        domain, identifiers, judge = case
        checked = await _checked(domain, identifiers, resolver, judge=judge or expect is not None)
        say_json_line(as_json(checked))
        if expect is not None and checked.result.outcome != expect and code is ExitCode.OK:
            code = ExitCode.CHECKS_FAILED
    if code is not ExitCode.OK:
        raise Ended(code)


async def _checked(domain: str, identifiers: "list[Identifier]", resolver: "Resolver", *, judge: bool) -> "Checked":
    from postroad.cli.dmarc_verdict import Checked  # with what it needs, late: --help needs none of it
    from postroad.mailauth.dmarc.evaluate import evaluate
    from postroad.mailauth.dmarc.report_destination import Destination, destinations
    from postroad.mailauth.dmarc.tree_walk import Walker

    result = await evaluate(domain, identifiers, resolver)
    walk = await Walker(resolver).walk(result.author_domain) if result.outcome != "permerror" else None
    places: tuple[tuple[str, Destination], ...] = ()
    if result.record is not None and result.policy_domain is not None:
        places = await destinations(result.record, result.policy_domain, resolver)
    return Checked(result, judged=judge, walk=walk, destinations=places)


def _split(text: str, option: str) -> tuple[str, str]:
    domain, _, word = text.partition(":")
    if word and word not in _WORDS:
        raise click.UsageError(f"{option}: {word!r} is no result; write {', '.join(_WORDS[:-1])} or {_WORDS[-1]}")
    return domain, word or "pass"


def _identifier(kind: str, domain: str, word: str) -> "Identifier":
    from postroad.mailauth.dmarc.alignment import Identifier, Mechanism  # late, as above

    return Identifier(Mechanism(kind), domain, word)


def _case(fields: dict[str, Any]) -> "tuple[str, list[Identifier], bool]":
    """Domain, identifiers, and whether there is mail to judge: where SPF or DKIM are named, be it without a result."""
    domain = fields.get("domain")
    if not isinstance(domain, str):
        raise MessageError("domain: a text is wanted", field="domain")
    signatures = fields.get("dkim") or []
    if not isinstance(signatures, list):
        raise MessageError("dkim: a list is wanted", field="dkim")
    found = [("spf", fields["spf"])] if fields.get("spf") else []
    identifiers = [_of_case(kind, value) for kind, value in (*found, *(("dkim", one) for one in signatures))]
    return domain, identifiers, "spf" in fields or "dkim" in fields


def _of_case(kind: str, value: object) -> "Identifier":
    if not isinstance(value, dict) or not isinstance(value.get("domain"), str):
        raise MessageError(f"{kind}: an object with domain and result is wanted", field=kind)
    word = value.get("result", "pass")
    if word not in _WORDS:
        raise MessageError(f"{kind}: {word!a:.40} is no result", field=kind)
    return _identifier(kind, value["domain"], word)
