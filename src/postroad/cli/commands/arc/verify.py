"""``postroad arc verify``."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.cli.references import bytes_value
from postroad.cli.terminal import note, say, styled
from postroad.clock import SYSTEM_CLOCK
from postroad.errors import MessageError
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.lookup import Resolver
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
    if form is Form.JSON_LINES:
        asyncio.run(_each_on_its_line(files, resolver))
        return
    contents = [(name, bytes_value(name, "FILE")) for name in files]
    found = asyncio.run(_all(contents, resolver))
    if form is Form.JSON:
        documents = [_as_json(name, result) for name, result in found]
        say_json(documents[0] if len(documents) == 1 else {"messages": documents}, form)
    else:
        for name, result in found:
            _say(name, result)
    if any(result.status == "fail" for _, result in found):
        raise Ended(ExitCode.CHECKS_FAILED)


async def _all(contents: list[tuple[str, bytes]], resolver: "Resolver") -> "list[tuple[str, ArcResult]]":
    return [(name, await _validated(content, resolver)) for name, content in contents]


async def _each_on_its_line(files: tuple[str, ...], resolver: "Resolver") -> None:
    code = ExitCode.OK
    for name in files:
        try:
            content = bytes_value(name, "FILE")
        except MessageError as fault:
            from postroad.cli.failure import of_error  # late: files can be read as a rule

            say_json_line({"file": name, "error": of_error(fault).as_json()})
            code = ExitCode.BAD_MESSAGE
        else:
            say_json_line(_as_json(name, await _validated(content, resolver)))
    if code is not ExitCode.OK:
        raise Ended(code)


async def _validated(content: bytes, resolver: "Resolver") -> "ArcResult":
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.mailauth.arc.validate import validate

    return await validate(content, resolver, at=SYSTEM_CLOCK.now())


def _as_json(name: str, result: "ArcResult") -> dict[str, Any]:
    return {
        "file": name,
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
