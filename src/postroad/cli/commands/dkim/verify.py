"""``postroad dkim verify``."""

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
    if form is Form.JSON_LINES:
        asyncio.run(_each_on_its_line(files, resolver))
        return
    contents = [(name, bytes_value(name, "FILE")) for name in files]
    found = asyncio.run(_all(contents, resolver))
    if form is Form.JSON:
        documents = [_as_json(name, verdicts) for name, verdicts in found]
        say_json(documents[0] if len(documents) == 1 else {"messages": documents}, form)
    else:
        for name, verdicts in found:
            _say(name, verdicts)
    if not all(any(one.passed for one in verdicts) for _, verdicts in found):
        raise Ended(ExitCode.CHECKS_FAILED)


async def _all(contents: list[tuple[str, bytes]], resolver: "Resolver") -> "list[tuple[str, tuple[Verdict, ...]]]":
    return [(name, await _checked(content, resolver)) for name, content in contents]


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
            say_json_line(_as_json(name, await _checked(content, resolver)))
    if code is not ExitCode.OK:
        raise Ended(code)


async def _checked(content: bytes, resolver: "Resolver") -> "tuple[Verdict, ...]":
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.mailauth.dkim.verify import verify as check

    return await check(content, resolver, at=SYSTEM_CLOCK.now())


def _as_json(name: str, verdicts: "tuple[Verdict, ...]") -> dict[str, Any]:
    return {"file": name, "signatures": [one.as_dict() for one in verdicts]}


def _say(name: str, verdicts: "tuple[Verdict, ...]") -> None:
    say(styled(one_line(name), bold=True))
    for one in verdicts:
        where = f"{one.selector or '?'}._domainkey.{one.domain or '?'}"
        reason = f", {one.reason}" if one.reason else ""
        words = styled(one.result, _COLOURS.get(one.result, "red"), bold=True)
        say(f"  {words}, {one_line(one.algorithm or '?')}, {one_line(where)}{one_line(reason)}")
        if one.length is not None and one.passed:
            note("  what follows in the body after the signed length (l=) is anybody's")
    if not verdicts:
        note("  no signature")
