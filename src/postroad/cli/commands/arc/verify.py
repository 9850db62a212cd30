"""``postroad arc verify``."""

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
    from postroad.mailauth.arc.validate import ArcResult

_COLOURS: Final = {"pass": "green", "none": "yellow", "fail": "red"}


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(), nargs=-1, required=True)
@dns_option
@form_options
def verify(form: Form, dns: str | None, files: tuple[str, ...]) -> None:
    """Validate the chain of received messages.

    A FILE is a message as it was received; - is standard input. A chain that fails gives the exit code 3; with --jsonl,
    which answers for each file on its line, 0, and 65 if one could not be read. Keys that are not published can be
    given with --dns.
    """
    resolver = resolver_of(dns)

    async def examine(content: bytes) -> "ArcResult":
        # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
        from postroad.mailauth.arc.validate import validate

        return await validate(content, resolver, at=SYSTEM_CLOCK.now())

    answering = Answering(examine, _as_json, _say, lambda result: result.status != "fail")
    asyncio.run(answer_for_each(files, form, answering))


def _as_json(result: "ArcResult") -> dict[str, Any]:
    return {
        **result.as_dict(),
        "sealed_by": [{"domain": by.domain, "selector": by.selector} for by in result.sealed_by],
        "oldest_pass": result.oldest_pass,
        "temporary": result.temporary,
    }


def _say(name: str, result: "ArcResult") -> None:
    say(f"{one_line(name)}: {styled(result.status, _COLOURS[result.status], bold=True)}, {one_line(result.reason)}")
    for number, by in enumerate(result.sealed_by, start=1):
        changed = result.oldest_pass == number and number > 1
        say(f"  {number}. {one_line(by.domain)}{', which changed the message' if changed else ''}")
    if result.temporary:
        note("a key could not be asked for; the same message may pass another time")
