"""The options that make a message, and the message they make."""

import re
import sys
from collections.abc import Iterable
from typing import Any, Final

import click

from postroad.cli.flag_names import named_by_flags
from postroad.cli.moments import date
from postroad.cli.references import bytes_value, read_standard_input, text_value
from postroad.errors import MessageError
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.dsn_request import Dsn
from postroad.message.email import Email
from postroad.message.raw import RawMessage

_OPTIONS = (
    click.option("--from", "from_", multiple=True, metavar="MAILBOX", help="Who it is from: 'Ann <ann@example.com>'."),
    click.option("--to", multiple=True, metavar="MAILBOX", help="A recipient; may be repeated, as all of these."),
    click.option("--cc", multiple=True, metavar="MAILBOX", help="A recipient whom all others see."),
    click.option("--bcc", multiple=True, metavar="MAILBOX", help="A recipient whom nobody else sees."),
    click.option("--reply-to", multiple=True, metavar="MAILBOX", help="Where answers go."),
    click.option("--sender", metavar="MAILBOX", help="Who sent it, where there are several --from."),
    click.option("--return-path", metavar="MAILBOX", help="Where bounces go; '' is nowhere."),
    click.option("--subject", metavar="TEXT"),
    click.option("--text", metavar="TEXT", help="The text; - is standard input, @FILE a file."),
    click.option("--html", metavar="HTML", help="The HTML, likewise; the text is made from it if left out."),
    click.option(
        "--attach",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="A file to attach: data.bin, or 'data.bin;type=text/csv;name=a.csv'.",
    ),
    click.option("--inline", multiple=True, metavar="CID=FILE", help="A picture that the HTML shows as cid:CID."),
    click.option(
        "--calendar", multiple=True, metavar="FILE", help="An invitation (.ics with a METHOD), or its answer."
    ),
    click.option("--header", multiple=True, metavar="'NAME: VALUE'", help="A header field of your own."),
    click.option("--list-unsubscribe", multiple=True, metavar="URI", help="An https: or mailto: URI."),
    click.option("--tag", "tags", multiple=True, metavar="WORD", help="A label, kept beside the message."),
    click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="Kept beside the message, too."),
    click.option("--message-id", metavar="ID", help="Else one is made."),
    click.option("--date", metavar="TIME", callback=date, help="Else now."),
    click.option("--dsn", metavar="WHEN", help="Be notified: never, or success,failure,delay (RFC 3461)."),
    click.option("--dsn-return", metavar="WHAT", help="What a notification of failure returns: full or headers."),
    click.option("--dsn-envid", metavar="ID", help="What every notification repeats."),
    click.option(
        "--require-tls", is_flag=True, help="Only by servers that promise verified TLS to the end (RFC 8689)."
    ),
    click.option(
        "--eml", "--raw", metavar="FILE", help="A finished message, unchanged but for Bcc; - is standard input."
    ),
    click.option("--envelope-from", metavar="MAILBOX", help="With --eml: where bounces go; '' is nowhere."),
)
# With --eml everything but the recipients stands in the file.
_WITH_EML = frozenset({"eml", "envelope_from", "to", "dsn", "dsn_return", "dsn_envid", "require_tls"})
_METHOD: Final = re.compile(rb"(?im)^METHOD:[ \t]*([A-Z-]{3,20})[ \t]*\r?$")  # RFC 5545 §3.7.2
_SAID_OF_A_FILE: Final = re.compile(r";(type|name)=")


def message_options(command: Any) -> Any:
    """The options, as arguments for ``message_of``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def message_of(options: dict[str, Any]) -> Email | RawMessage:
    """The message that the options make.

    Raises:
        click.UsageError: options that contradict each other, or something needed is missing.
        MessageError: what is wrong with the message, naming the flag; ``field`` is the argument of ``Email``.
    """
    with named_by_flags():
        return _email(options) if options["eml"] is None else _raw(options)


def _raw(options: dict[str, Any]) -> RawMessage:
    given = [name.strip("_").replace("_", "-") for name, value in options.items() if value and name not in _WITH_EML]
    if given:
        raise click.UsageError(f"--{', --'.join(given)} cannot go with --eml: the message is sent as it is")
    if options["envelope_from"] is None or not options["to"]:
        raise click.UsageError("--eml needs --envelope-from and --to: its own headers do not say who gets it")
    content = bytes_value(options["eml"], "--eml")
    if not content.strip():  # it may be sent (RFC 5321 knows no shortest message), but nobody means it
        advice = "Look at what should have written it."
        raise MessageError(f"--eml: there is nothing in {options['eml']!r}", field="eml", advice=advice)
    return RawMessage(
        content,
        envelope_from=options["envelope_from"],
        recipients=options["to"],
        dsn=_dsn(options),
        require_tls=options["require_tls"],
    )


def _email(options: dict[str, Any]) -> Email:
    given = dict(options)
    del given["eml"]
    if given.pop("envelope_from") is not None:
        raise click.UsageError("--envelope-from goes with --eml; use --return-path")
    attach, inline, calendar = given.pop("attach"), given.pop("inline"), given.pop("calendar")
    given["attachments"] = [*map(_file, attach), *map(_picture, inline), *map(_invitation, calendar)]
    given["dsn"] = _dsn(given)
    del given["dsn_return"], given["dsn_envid"]
    given["headers"] = [_pair(field, ":", "--header", "'Name: value'") for field in given.pop("header")]
    given["metadata"] = dict(_pair(item, "=", "--metadata", "NAME=VALUE") for item in given["metadata"])
    given["subject"] = given["subject"] or ""
    given["list_unsubscribe"] = given["list_unsubscribe"] or None
    given["text"], given["html"] = _bodies(given["text"], given["html"], given["attachments"])
    return Email(**given)


def _bodies(text: str | None, html: str | None, attachments: Iterable[object]) -> tuple[str | None, str | None]:
    if text is not None or html is not None:
        return text_value(text, "--text"), text_value(html, "--html")
    if not sys.stdin.isatty():
        return read_standard_input("--text"), None
    if attachments:
        return None, None
    raise click.UsageError("no text: give --text or --html, or pipe it in")


def _dsn(options: dict[str, Any]) -> Dsn | None:
    notify, ret, envid = options["dsn"], options["dsn_return"], options["dsn_envid"]
    return Dsn(notify or (), ret=ret, envid=envid) if notify or ret or envid else None


def _file(item: str) -> Attachment:
    path, said = _said(item)
    with named_by_flags("--attach"):
        return Attachment.from_path(path, said.get("name"), said.get("type"))


def _picture(item: str) -> InlineImage:
    cid, rest = _pair(item, "=", "--inline", "CID=FILE")
    path, said = _said(rest)
    with named_by_flags("--inline"):
        return InlineImage.from_path(path, cid, said.get("name"), said.get("type"))


def _said(item: str) -> tuple[str, dict[str, str]]:
    """The path, and what is said of the file behind it: ``report.csv;type=text/csv;name=March.csv``."""
    path, *said = _SAID_OF_A_FILE.split(item)
    return path, dict(zip(said[::2], said[1::2], strict=True))


def _invitation(path: str) -> Attachment:
    """The file, its type with the method that stands in it: only then calendars show their buttons (RFC 6047 §2.4)."""
    with named_by_flags("--calendar"):
        file = Attachment.from_path(path)
    method = _METHOD.search(file.content)
    if method is None:
        raise click.UsageError(f"--calendar {path!a:.80} has no METHOD line; send it with --attach")
    kind = f"text/calendar; method={method[1].decode().upper()}; charset=utf-8"
    return Attachment(file.content, file.filename, kind)


def _pair(item: str, separator: str, option: str, form: str) -> tuple[str, str]:
    name, found, value = item.partition(separator)
    if not found or not name.strip():
        raise click.UsageError(f"{option} {item!a:.80} is not {form}")
    return (name.strip(), value.strip()) if separator == ":" else (name, value)
