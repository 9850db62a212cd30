"""``postroad dkim verify``."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.each_file import Answering, answer_for_each
from postroad.cli.output import Form, form_options
from postroad.cli.terminal import note, say, styled
from postroad.clock import SYSTEM_CLOCK
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.mailauth.dkim.verify import Verdict

_COLOURS: Final = {"pass": "green", "temperror": "yellow"}


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(), nargs=-1, required=True)
@dns_option
@form_options
def verify(form: Form, dns: str | None, files: tuple[str, ...]) -> None:
    """Check the signatures of messages.

    A FILE is a message as it was received; - is standard input. A message without a signature that passes gives the
    exit code 3; with --jsonl, which answers for each file on its line, 0, and 65 if one could not be read. Keys that
    are not published can be given with --dns.
    """
    resolver = resolver_of(dns)

    async def examine(content: bytes) -> "tuple[Verdict, ...]":
        # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
        from postroad.mailauth.dkim.verify import verify as check

        return await check(content, resolver, at=SYSTEM_CLOCK.now())

    answering = Answering(examine, _as_json, _say, lambda verdicts: any(one.passed for one in verdicts))
    asyncio.run(answer_for_each(files, form, answering))


def _as_json(verdicts: "tuple[Verdict, ...]") -> dict[str, Any]:
    return {"signatures": [one.as_dict() for one in verdicts]}


def _say(name: str, verdicts: "tuple[Verdict, ...]") -> None:
    say(styled(one_line(name), bold=True))
    for one in verdicts:
        where = f"{one.selector or '?'}._domainkey.{one.domain or '?'}"
        reason = f", {one.reason}" if one.reason else ""
        words = styled(one.result, _COLOURS.get(one.result, "red"), bold=True)
        say(f"  {words}, {one_line(one.algorithm or '?')}, {one_line(where)}{one_line(reason)}")
    if not verdicts:
        note("  no signature")
