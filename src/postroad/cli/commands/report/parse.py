"""``postroad report parse``."""

from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.commands.report.summary import summary
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.cli.references import bytes_value
from postroad.cli.terminal import note, say, styled
from postroad.errors import MessageError
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.reports.report import ParsedReport, ReportEvent

_COLOURS: Final = {"suppress": "red", "complaint": "red", "block": "yellow", "soft": "cyan"}


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(), nargs=-1, required=True)
@form_options
def parse(form: Form, files: tuple[str, ...]) -> None:
    """Read bounces, complaints, answers by machines, DMARC and TLS reports.

    A FILE is a mail as it was received, or a report as it was attached: XML, JSON, in gzip or zip; - is standard input.
    A file that is broken gives the exit code 65; with --jsonl, which answers for each file on its line, only one that
    cannot be opened does.
    """
    unread = broken = False
    documents = []
    for name in files:
        try:
            content = bytes_value(name, "FILE")
        except MessageError as fault:
            if form is not Form.JSON_LINES:
                raise
            unread = True
            say_json_line(_unread(name, fault))
            continue
        found = _read(content)
        broken = broken or found.fault is not None
        if form is Form.JSON_LINES:
            say_json_line({"file": name, **found.as_json()})
        elif form is Form.JSON:
            documents.append({"file": name, **found.as_json()})
        else:
            _say(name, found)
    if form is Form.JSON:
        say_json(documents[0] if len(documents) == 1 else {"reports": documents}, form)
    if unread or (broken and form is not Form.JSON_LINES):
        raise Ended(ExitCode.BAD_MESSAGE)


def _read(content: bytes) -> "ParsedReport":
    # Loaded only now: --help needs none of it.
    from postroad.reports.parse import parse as parsed

    return parsed(content)


def _unread(name: str, fault: MessageError) -> dict[str, Any]:
    from postroad.cli.failure import of_error  # late: files can be read as a rule

    return {"file": name, "kind": "error", "events": [], "error": of_error(fault).as_json()}


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _say(name: str, found: "ParsedReport") -> None:
    say(f"{one_line(name)}: {styled(str(found.kind), bold=True)}")
    for event in found.events:
        _say_event(event)
    if found.report is not None:
        for line in summary(found.report):
            say(f"  {line}")
    if found.fault is not None:
        note(f"  {one_line(found.fault.message)}")
        note(f"  {one_line(found.fault.advice)}")


def _say_event(event: "ReportEvent") -> None:
    who = one_line(event.recipient) or "(nobody is named)"
    action = styled(str(event.action), _COLOURS.get(str(event.action)))
    codes = " ".join(filter(None, (event.reply, event.status)))
    by = f" by {one_line(event.provider or event.remote_mta)}" if event.provider or event.remote_mta else ""
    say(f"  {who}: {event.bounce_class} ({event.reason}){by}, {action}{f' [{codes}]' if codes else ''}")
    if event.diagnostic:
        say(f"    {one_line(event.diagnostic)}")
