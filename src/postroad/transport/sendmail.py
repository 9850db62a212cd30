"""``sendmail://``: the message goes to a program, as to ``/usr/sbin/sendmail``: Postfix, Exim, OpenSMTPD, msmtp.

Envelope on the command line, content on standard input with LF line ends, verdict by exit status (``sysexits.h``).
Before the program is started nothing has happened; when it ended by itself with another status than 0 it has not taken
the message; when it was killed with the whole message in its hands nobody knows.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from postroad.errors import (
    Abandoned,
    ConfigurationError,
    OutcomeUnknown,
    PostroadError,
    SendError,
    Timeout,
    Unsupported,
)
from postroad.message.dsn_request import Returned
from postroad.message.envelope import Body, Envelope, MailObject
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Phase
from postroad.terminal_text import one_line
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.sysexits import fault_of

USUAL_PLACES: Final = ("/usr/sbin/sendmail", "/usr/lib/sendmail")  # the second is the older one, still in LSB
PROCESSES: Final = 4  # at once; each is a program of its own, and most of them only write a queue file
SECONDS: Final = 300.0  # msmtp and its like talk SMTP meanwhile; its commands may take 5 min (RFC 5321 §4.5.3.2)
SHOWN: Final = 500  # octets of what the program printed that an error tells


class SendmailTransport:
    """Runs ``path`` (the usual places and ``PATH``, if it is left out) once for each message.

    ``args`` are further arguments, put in front: ``-C folder`` for another configuration, ``-a account`` for msmtp.
    ``timeout`` is in seconds, for one run; ``processes`` how many run at once.

    Raises:
        ConfigurationError: there is no such program, or a number is not above zero.
    """

    abilities = frozenset({Ability.SEPARATE_ENVELOPE, Ability.REMOTE})
    max_size = None

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        args: Iterable[str] = (),
        timeout: float = SECONDS,
        processes: int = PROCESSES,
    ) -> None:
        self.path: Final = _found(path)
        self.concurrency: Final = processes
        self._args = tuple(args)
        self._timeout = timeout
        self._slots: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None
        for name, value in (("timeout", timeout), ("processes", processes)):
            if not value > 0:
                raise ConfigurationError(f"{name} must be above 0, not {value}", setting=name)

    @property
    def name(self) -> str:
        return f"sendmail://{self.path}"

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        try:
            command = self._command(mail)
        except (Unsupported, ConfigurationError) as fault:
            return failed(mail.envelope.recipients, fault)
        async with self._slot():
            if before_commit is not None and not await before_commit(mail.envelope.recipients):
                taken_back = Abandoned("taken back before the program was started", phase=Phase.DATA)
                return failed(mail.envelope.recipients, taken_back)
            try:
                await self._run(command, mail.content.replace(b"\r\n", b"\n"))
            except (SendError, ConfigurationError) as fault:
                return failed(mail.envelope.recipients, fault)
        outcomes = tuple([Outcome(one, Result.ACCEPTED, Phase.DOT) for one in mail.envelope.recipients])
        return SendReport(outcomes, message_id=mail.message_id)

    def _slot(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = loop, asyncio.Semaphore(self.concurrency)
        return self._slots[1]

    # ── the command ───────────────────────────────────────────────────────────────────────────────────────────────

    def _command(self, mail: MailObject) -> list[str]:
        envelope = mail.envelope
        if not os.access(self.path, os.X_OK):
            raise _no_program(self.path)
        if envelope.require_tls:
            raise Unsupported("a program cannot promise TLS on every hop (RFC 8689)", phase=Phase.MAIL)
        sender = envelope.mail_from.addr_spec if envelope.mail_from else "<>"
        recipients = [recipient.addr_spec for recipient in envelope.recipients]
        if hyphened := next((one for one in (sender, *recipients) if one.startswith("-")), None):
            # Behind -- it is safe for most; the rest would take it for an option, and some options run programs.
            raise Unsupported(f"{hyphened} begins with a hyphen, as options do", phase=Phase.MAIL)
        body = ["-B8BITMIME"] if mail.body is Body.EIGHT_BIT else []
        return [self.path, *self._args, "-i", "-f", sender, *body, *_dsn_flags(envelope), "--", *recipients]

    # ── the program ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, command: list[str], content: bytes) -> None:
        with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as anything it leaves behind
            # Whoever cancels while a program is being started gets one that is started, and ended: asyncio loses count
            # of its pipes otherwise, and waits for ever.
            starting = asyncio.ensure_future(_started(command, output))
            try:
                process = await asyncio.shield(starting)
            except asyncio.CancelledError:
                await _end(await starting)
                raise
            except OSError as cause:
                raise SendError(f"{self.path} cannot be run: {cause.strerror}", phase=Phase.CONNECT) from cause
            status, whole = await self._watched(process, content)
            fault = self._fault(status, _printed(output), whole=whole)
        if fault is not None:
            raise fault

    async def _watched(self, process: asyncio.subprocess.Process, content: bytes) -> tuple[int, bool]:
        """Its exit status, and whether it took the whole message."""
        handing = asyncio.ensure_future(_hand_over(process, content))
        try:
            async with asyncio.timeout(self._timeout):
                whole = await handing
                return await process.wait(), whole
        except TimeoutError:
            raise self._too_slow(whole=handing.done() and not handing.cancelled() and handing.result()) from None
        finally:
            handing.cancel()
            await _end(process)

    def _too_slow(self, *, whole: bool) -> SendError:
        message = f"{self.path} did not end within {self._timeout:g} s"
        if whole:
            return OutcomeUnknown(f"{message}, with the whole message in its hands", phase=Phase.DOT)
        return Timeout(message, phase=Phase.DATA)

    def _fault(self, status: int, printed: str, *, whole: bool) -> PostroadError | None:
        """What an ending means; ``None``: the message is taken."""
        said = f": {printed}" if printed else ""
        if status < 0:
            message = f"{self.path} was ended by signal {-status}{said}"
            return OutcomeUnknown(message, phase=Phase.DOT) if whole else SendError(message, phase=Phase.DATA)
        if status == 0:
            unread = f"{self.path} ended without reading the message{said}"
            return None if whole else SendError(unread, phase=Phase.DATA)
        return fault_of(status, self.path, printed)

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def check(self) -> CheckReport:
        """Whether the program is there; it is not run, because no option for that is common to all.

        Raises:
            ConfigurationError: it is not.
        """
        if not os.access(self.path, os.X_OK):
            raise _no_program(self.path)
        return CheckReport(self.name, (f"{self.path} can be run",))

    async def aclose(self) -> None:
        """Nothing to release: programs under way end by themselves."""


def _found(path: str | os.PathLike[str] | None) -> str:
    if path is None:
        found = next((place for place in USUAL_PLACES if os.access(place, os.X_OK)), None) or shutil.which("sendmail")
        if found is None:
            raise ConfigurationError(
                f"no sendmail program is in {', '.join(USUAL_PLACES)} or PATH",
                setting="url",
                advice="Install one (Postfix, msmtp-mta, …), or name it: sendmail:///path/to/program.",
            )
        return found
    place = Path(path)
    if not place.is_absolute() or not os.access(place, os.X_OK) or place.is_dir():
        raise _no_program(str(place))
    return str(place)


def _no_program(path: str) -> ConfigurationError:
    return ConfigurationError(f"{path!a} is not the absolute path of a program that can be run", setting="url")


def _dsn_flags(envelope: Envelope) -> list[str]:
    """The request for notifications (RFC 3461), as Postfix, Sendmail and msmtp take it."""
    dsn = envelope.dsn
    if dsn is None:
        return []
    wanted = {dsn.wanted_for(recipient) for recipient in envelope.recipients}
    if len(wanted) > 1:
        raise Unsupported("notify differs by recipient, and a program takes one for all", phase=Phase.RCPT)
    flags = ["-N", ",".join(one.value for one in notify)] if (notify := wanted.pop()) else []
    if dsn.ret is not None:
        flags += ["-R", "full" if dsn.ret is Returned.FULL else "hdrs"]
    return flags + (["-V", dsn.envid] if dsn.envid is not None else [])


async def _started(command: list[str], output: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,  # so that what it starts can be ended with it, and Ctrl-C leaves it alone
    )


async def _hand_over(process: asyncio.subprocess.Process, content: bytes) -> bool:
    """Give it the message and its end; whether it took all, as far as one can see."""
    assert process.stdin is not None
    if process.stdin.is_closing():  # it has shut its ear already, and asyncio would drop what is written to it
        return False
    try:
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it and what it has started, if it still runs."""
    assert process.stdin is not None
    pipe = process.stdin.transport
    if not pipe.is_closing() or pipe.get_write_buffer_size():
        pipe.abort()  # what still hangs on the pipe would be waited for, too
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _printed(output: IO[bytes]) -> str:
    output.seek(0)
    return one_line(output.read(SHOWN).decode("utf-8", "backslashreplace").strip())
