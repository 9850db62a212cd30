"""``postroad explain``."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.cli.terminal import note, say, styled

if TYPE_CHECKING:
    from postroad.reports.classify import Classification

MAX_LINE: Final = 65_536  # octets of a reply on standard input; a hundred lines of 512 (RFC 5321 §4.5.3.1.5)
_COLOURS: Final = {"suppress": "red", "block": "yellow", "soft": "cyan"}


@click.command()
@click.argument("reply", nargs=-1)
@click.option("--host", metavar="NAME", default="", help="The server that said it: some mean what nobody else does.")
@form_options
def explain(form: Form, host: str, reply: tuple[str, ...]) -> None:
    """Say what a reply of a mail server means, and what to do.

    REPLY is the text as it stands in a log or a bounce. Without one, or with -, replies are read from standard input,
    one a line.
    """
    text = " ".join(reply)
    replies = [text] if text not in ("", "-") else _lines()
    if form is Form.JSON:
        documents = [_as_json(_meaning(one, host)) for one in replies]
        say_json(documents[0] if len(documents) == 1 else {"replies": documents}, form)
        return
    for one in replies:
        if form is Form.JSON_LINES:
            say_json_line(_as_json(_meaning(one, host)))
        else:
            _say(_meaning(one, host))


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        note("replies, one a line; an end of file ends it")
    while line := sys.stdin.buffer.readline(MAX_LINE):
        yield line.decode("utf-8", "replace").strip()


def _meaning(text: str, host: str) -> "Classification":
    # Loaded only now: the rules are read with it, and --help needs none of them.
    from postroad.reports.classify import classify_text

    return classify_text(text, host)


def _as_json(found: "Classification") -> dict[str, Any]:
    return {
        "class": str(found.bounce_class),
        "reason": found.reason,
        "action": str(found.action),
        "provider": found.provider or None,
        "meaning": found.meaning,
        "advice": found.advice,
    }


def _say(found: "Classification") -> None:
    speaker = f", as {found.provider} means it" if found.provider else ""
    say(f"{styled(str(found.bounce_class), bold=True)} ({found.reason}{speaker})")
    say(f"  {found.meaning}")
    say(f"  {found.advice}")
    say(f"  the recipient: {styled(_CONSEQUENCES[str(found.action)], _COLOURS.get(str(found.action)))}")


_CONSEQUENCES: Final = {
    "suppress": "is given up",
    "soft": "is kept, and given up if it goes on",
    "block": "is kept: the sender or the message is refused",
    "unknown": "is kept, and given up if it goes on",
}
