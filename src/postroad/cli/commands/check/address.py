"""``postroad check address``."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.cli.references import read_standard_input
from postroad.cli.terminal import note, say, styled
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.doctor.recipient.check import CheckedAddress
    from postroad.lint.finding import Level
    from postroad.lookup import Resolver

_AT_ONCE: Final = 100  # addresses that are looked at before the first of them is told


@click.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@dns_option
@form_options
def address(form: Form, dns: str | None, addresses: tuple[str, ...]) -> None:
    """Say whether addresses are well-formed, and whether their domains take mail.

    - reads addresses from standard input, one a line. The DNS is asked, and no mail server: whether a mailbox exists
    only mail to it tells. A domain that is spelt almost like a well-known one is pointed out. A finding of the level
    fail gives the exit code 3, and a DNS that does not answer 75; with --jsonl the code is 0.
    """
    code = asyncio.run(_check(_given(addresses), form, resolver_of(dns)))
    if code is not ExitCode.OK and form is not Form.JSON_LINES:
        raise Ended(code)


def _given(addresses: tuple[str, ...]) -> Iterator[str]:
    for one in addresses:
        if one == "-":
            yield from filter(None, (line.strip() for line in read_standard_input("ADDRESS").splitlines()))
        else:
            yield one


async def _check(addresses: Iterator[str], form: Form, resolver: "Resolver") -> ExitCode:
    from postroad.cli.findings import code_of  # late, as all of the checks: --help needs none of it
    from postroad.doctor.questions import SharedResolver
    from postroad.doctor.recipient.check import check_address

    shared = SharedResolver(resolver)
    documents = []
    levels: set[Level] = set()
    while some := list(islice(addresses, _AT_ONCE)):
        for checked in await asyncio.gather(*(check_address(one, shared) for one in some)):
            levels |= {one.level for one in checked.findings}
            if form is Form.JSON:
                documents.append(checked.as_dict())
            elif form is Form.JSON_LINES:
                say_json_line(checked.as_dict())
            else:
                _say(checked)
    if form is Form.JSON:
        say_json(documents[0] if len(documents) == 1 else {"addresses": documents}, form)
    return code_of(levels)


def _say(checked: "CheckedAddress") -> None:
    from postroad.cli.findings import say_findings, summary  # late, with the checks

    name = one_line(checked.text)
    say(styled(name, bold=True))
    say_findings(checked.findings)
    if checked.hosts is not None and checked.hosts.hosts:
        say(f"  mail goes to {', '.join(one_line(one.host) for one in checked.hosts.hosts)}")
    note(f"{name}: {summary(checked.findings)}")
