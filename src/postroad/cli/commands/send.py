"""``postroad send``: one message, now or into the outbox."""

import logging
from typing import TYPE_CHECKING, Any

import click

from postroad.cli.counted import counted
from postroad.cli.database_option import database_option, outbox_of
from postroad.cli.dkim_options import dkim_options, signing
from postroad.cli.dot_watch import DotWatch
from postroad.cli.exit_codes import Ended
from postroad.cli.failure import of_error, tell
from postroad.cli.log_lines import show_log
from postroad.cli.message_options import message_of, message_options
from postroad.cli.moments import moment
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.report import note_transcript, report_as_json, say_report
from postroad.cli.route_options import route_in_words, route_of, route_options
from postroad.cli.terminal import note, say
from postroad.errors import PostroadError
from postroad.mailer.blocking import Mailer
from postroad.outcome import SendReport

if TYPE_CHECKING:
    from postroad.message.email import Email
    from postroad.message.raw import RawMessage
    from postroad.outbox.job import Receipt

_QUEUE_OPTIONS = ("db", "idempotency_key", "stream", "send_at", "expires_at")

_EPILOG = """\
\b
Examples:
  date | postroad send --from me@example.com --to ann@example.com --subject Now
  postroad send --from me@example.com --to ann@example.com --subject Report \\
      --text @report.txt --attach report.pdf \\
      --transport smtp://me@smtp.example.com --password env:MAIL_PASSWORD
  postroad send --eml mail.eml --envelope-from me@example.com --to ann@example.com
"""


@click.command(epilog=_EPILOG)
@message_options
@route_options
@dkim_options
@click.option("--dry-run", is_flag=True, help="Send nothing: print the message, and on standard error its envelope.")
@click.option("--transcript", is_flag=True, help="If anything is refused or fails, show the conversation.")
@click.option("--outbox", "queue", is_flag=True, help="Put it into the outbox; a worker delivers it.")
@database_option
@click.option("--idempotency-key", metavar="KEY", help="With --outbox: the same key never makes a second message.")
@click.option("--stream", metavar="NAME", help="With --outbox: transactional (else), bulk, or a name of your own.")
@click.option("--send-at", metavar="TIME", callback=moment, help="With --outbox: not before 2026-12-01T09:00Z, or +2h.")
@click.option("--expires-at", metavar="TIME", callback=moment, help="With --outbox: not after.")
@form_options
def send(form: Form, queue: bool, transcript: bool, dry_run: bool, **options: Any) -> None:
    """Send one message now, or put it into the outbox.

    Its text comes from --text or --html, else from standard input. What became of each recipient is printed, and the
    exit code is 0 if anybody was accepted. With --outbox the message's id is printed as soon as it is on disk.
    """
    queueing = {name: options.pop(name) for name in _QUEUE_OPTIONS}
    route = {name: options.pop(name) for name in ("transport", "username", "password")}
    keys = {name: options.pop(name) or None for name in ("dkim", "dkim_keys")}
    _check({**route, **keys} if queue else queueing, "cannot go with --outbox" if queue else "needs --outbox")
    if dry_run:
        _check(keys, "cannot go with --dry-run: a message is signed on its way")
    show_log(level=logging.WARNING)
    message = message_of(options)
    if dry_run:
        _look(message, route, form, queue=queue)
    elif queue:
        _queue(message, queueing, form)
    else:
        signed = signing(route_of(**route), keys["dkim"] or (), keys["dkim_keys"])
        _send_now(message, DotWatch(signed), form, transcript=transcript)


def _check(misplaced: dict[str, Any], why: str) -> None:
    for name, value in misplaced.items():
        if value is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}")


def _look(message: "Email | RawMessage", route: dict[str, Any], form: Form, *, queue: bool) -> None:
    # Loaded only here: nobody who sends needs it.
    from postroad.cli.dry_run import show
    from postroad.mailer.environment import dkim_from

    if not queue and dkim_from() is not None:
        note("signed: on its way, by the DKIM keys that the environment names")
    name, transport = (None, None) if queue else route_in_words(**route)
    show(message, name, transport, form)


def _send_now(message: "Email | RawMessage", route: DotWatch, form: Form, *, transcript: bool) -> None:
    try:
        report = _report(message, route)
    except KeyboardInterrupt:
        if route.in_doubt:
            note("postroad: the message was on its way and no answer had come: it may have been sent")
        raise
    if transcript:
        note_transcript(report)
    if form is Form.TEXT:
        say_report(report)
    else:
        say_json(report_as_json(report, route.name), form)
    if report.error is not None and not report.accepted:
        failure = of_error(report.error)
        tell(failure, Form.TEXT)
        raise Ended(failure.code)
    if report.refused or report.unknown:
        note(f"postroad: accepted for {len(report.accepted)} of {counted(len(report.outcomes), 'recipient')}")


def _report(message: "Email | RawMessage", route: DotWatch) -> SendReport:
    with Mailer(route) as mailer:
        try:
            return mailer.send(message)
        except PostroadError as error:
            if error.report is None:
                raise
            return error.report


def _queue(message: "Email | RawMessage", queueing: dict[str, Any], form: Form) -> None:
    db = queueing.pop("db")
    options = {name: value for name, value in queueing.items() if value is not None}
    with outbox_of(db) as outbox:
        receipt = outbox.send(message, **options)
    if form is Form.TEXT:
        say(receipt.id)
        number = len(receipt.recipients) - len(receipt.suppressed)
        note(f"queued for {counted(number, 'recipient')}" + (" before" if receipt.duplicate else ""))
        for one in receipt.suppressed:
            note(f"on the suppression list, and gets nothing: {one.addr_spec}")
    else:
        say_json(_receipt_as_json(receipt), form)


def _receipt_as_json(receipt: "Receipt") -> dict[str, Any]:
    return {
        "id": receipt.id,
        "message_id": receipt.message_id,
        "recipients": [recipient.addr_spec for recipient in receipt.recipients],
        "suppressed": [recipient.addr_spec for recipient in receipt.suppressed],
        "duplicate": receipt.duplicate,
    }
