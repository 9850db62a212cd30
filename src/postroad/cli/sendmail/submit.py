"""From flags and input to a message, and the message on its way."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from postroad.address import Address
from postroad.cli.exit_codes import ExitCode
from postroad.cli.lasting import require_lasting
from postroad.cli.sendmail.flags import Flags
from postroad.cli.sendmail.submitter import Submitter, current_submitter
from postroad.cli.standard_streams import lead_nowhere
from postroad.clock import SYSTEM_CLOCK, Clock, as_datetime
from postroad.errors import ConfigurationError, MessageError, PostroadError
from postroad.mailer.environment import value_of
from postroad.mailer.identity import new_message_id
from postroad.message.address_list import address_list, qualified
from postroad.message.dsn_request import Dsn
from postroad.message.raw import RawMessage
from postroad.message.submission import Submission, with_ascii_header

if TYPE_CHECKING:
    from postroad.outcome import SendReport

_SIGN: Final = "POSTROAD_IN_SENDMAIL"
# What callers of sendmail expect where `postroad` itself answers otherwise.
_SYSEXITS: Final[dict[int, int]] = {
    ExitCode.UNEXPECTED: 70,  # EX_SOFTWARE; not 75, for nobody knows whether trying again would double the mail
    ExitCode.USAGE: 64,  # EX_USAGE
    ExitCode.NOT_FOUND: 69,  # EX_UNAVAILABLE
}


def submit(flags: Flags, raw: bytes) -> int:
    """Send the message, or put it into the outbox; the exit code is one of ``sysexits.h``."""
    try:
        message = message_of(flags, raw, current_submitter())
        db = _database(flags)
        if db is None:
            return _send_now(message, flags)
        _queue(message, db)
    except BaseException as fault:  # noqa: BLE001 - every fault ends here: no caller of sendmail reads tracebacks
        return _tell(fault)
    return 0


def message_of(flags: Flags, raw: bytes, submitter: Submitter, clock: Clock = SYSTEM_CLOCK) -> RawMessage:
    """The message as it goes out, with its envelope.

    Recipients of the command line and, with ``-t``, those of the header both get it, as with Postfix.

    Raises:
        MessageError: nobody to send it to, or an address that is none; the field is named.
    """
    submission = Submission.read(raw)
    recipients = [one.bare for text in flags.recipients for one in _addresses(text, "recipient", submitter)]
    if flags.from_header:
        recipients += submission.recipients(submitter.domain)
    if not recipients and not flags.from_header:
        raise MessageError("recipient: the command line names nobody", field="recipient")
    if not recipients:
        raise MessageError("to: no recipients in To, Cc or Bcc of the header", field="to")
    sender = _sender(flags, submitter)
    content = submission.completed(
        author=Address((sender or submitter.address).addr_spec, _full_name(flags, submitter)),
        domain=submitter.domain,
        date=as_datetime(clock.now()),
        new_message_id=new_message_id,
    )
    return with_ascii_header(RawMessage(content, envelope_from=sender, recipients=recipients, dsn=_dsn(flags)))


def _addresses(text: str, field: str, submitter: Submitter) -> tuple[Address, ...]:
    return address_list(qualified(text, submitter.domain), field)


def _sender(flags: Flags, submitter: Submitter) -> Address | None:
    if flags.sender is None:
        return submitter.address
    if flags.sender.strip() in ("", "<>"):
        return None
    found = _addresses(flags.sender, "-f", submitter)
    if len(found) != 1:
        raise MessageError(f"-f: {flags.sender!a:.80} is not one address", field="-f")
    return found[0].bare


def _full_name(flags: Flags, submitter: Submitter) -> str:
    name = submitter.full_name if flags.full_name is None else flags.full_name
    return " ".join("".join(one if one.isprintable() else " " for one in name).split())


def _dsn(flags: Flags) -> Dsn | None:
    if flags.notify is None and flags.ret is None and flags.envid is None:
        return None
    return Dsn(flags.notify or (), ret=flags.ret, envid=flags.envid)


# ── on its way ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _database(flags: Flags) -> str | None:
    """The outbox that is named, where no route is."""
    if flags.transport is not None:
        return None
    return _checked_url(flags.db, "--db") or value_of("POSTROAD_DB", os.environ)


def _checked_url(url: str | None, option: str) -> str | None:
    if url is None:
        return None
    from postroad.cli.references import url_value  # late: click, for flags that few callers give

    return url_value(url, option)


def _queue(message: RawMessage, db: str) -> None:
    from postroad import Outbox  # late, and by way of the root, which explains what is missing

    with Outbox(db) as outbox:
        require_lasting(outbox.url)
        outbox.send(message)


@contextmanager
def _no_circle() -> Iterator[None]:
    """A route may lead to sendmail, which may be this program: by its own sign in the environment it knows itself."""
    if os.environ.get(_SIGN):
        raise ConfigurationError(
            "the route leads to sendmail, and sendmail is postroad", setting="POSTROAD_URL",
            advice="Name another route than sendmail://, or another program in it.",
        )  # fmt: skip
    os.environ[_SIGN] = "1"
    try:
        yield
    finally:
        del os.environ[_SIGN]


def _send_now(message: RawMessage, flags: Flags) -> int:
    from postroad.mailer.blocking import Mailer

    route = _checked_url(flags.transport, "--transport")
    with _no_circle(), Mailer.from_env() if route is None else Mailer(route) as mailer:
        try:
            report = mailer.send(message)
        except PostroadError as error:
            if error.report is not None:
                _say(error.report, flags)
            raise
    _say(report, flags)
    return 0


def _say(report: "SendReport", flags: Flags) -> None:
    """Those who do not get it, on standard error; with ``-v`` everybody, and the conversation."""
    if flags.verbose:
        _write(str(line) for line in report.transcript)
    told = report.outcomes if flags.verbose else (*report.refused, *report.unknown)
    _write(f"{one.recipient.addr_spec}: {one.result}: {one.reply or one.text}" for one in told)


def _write(lines: Iterable[str]) -> None:
    from postroad.terminal_text import one_line

    try:
        for line in lines:
            sys.stderr.write(f"postroad: {one_line(line)}\n")
    except OSError:  # what became of the message does not depend on who is told of it
        lead_nowhere(sys.stderr)


def _tell(fault: BaseException) -> int:
    """Say why on standard error."""
    from postroad.cli.failure import end_of  # late: telling of errors is no part of sending

    code = end_of(fault, ())
    return _SYSEXITS.get(code, code)
