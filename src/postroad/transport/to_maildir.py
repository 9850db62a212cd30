"""``maildir:///folder``: each message as a file of a Maildir, where mail programs and IMAP servers read it.

A file is written and synced in ``tmp``, and moved to ``new`` when it may go, so a reader never sees half a message; its
name is its own on every machine that shares the folder (https://cr.yp.to/proto/maildir.html). This is the last hop, so
the envelope goes into the file, as final delivery has it: ``Return-Path`` (RFC 5321 §4.4) and a ``Delivered-To`` for
each recipient. One message is one file, whatever number of recipients it has. Line ends are LF, as in every Maildir.
"""

import asyncio
import itertools
import os
import socket
import threading
from pathlib import Path
from typing import Final

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import OutcomeUnknown, SendError
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport, failed
from postroad.reply import Phase
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.mail_folder import make_folders, not_written, sync_names
from postroad.transport.settled import accepted, taken_back

_NUMBER: Final = itertools.count(1)
_FOLDERS: Final = ("tmp", "new", "cur")


class MaildirTransport:
    """Delivers into the Maildir at ``folder``; it and its three folders are made if the parent exists.

    Raises:
        ConfigurationError: they cannot be made, or are none.
    """

    abilities = frozenset({Ability.SEPARATE_ENVELOPE})
    concurrency = 8
    max_size = None

    def __init__(self, folder: str | os.PathLike[str], *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = Path(folder)
        self._clock = clock
        self._host = socket.gethostname().replace("/", "\\057").replace(":", "\\072")  # as the specification has it
        folders = (self._folder, *(self._folder / name for name in _FOLDERS))
        make_folders(self.name, folders, mode=0o700)  # mail is nobody else's

    @property
    def name(self) -> str:
        return f"maildir://{self._folder}"

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        name = self._new_name()
        written = self._folder / "tmp" / name
        over = threading.Event()
        try:
            await asyncio.to_thread(_write, written, stored_form(mail), over)
            if (report := await taken_back(mail, before_commit)) is not None:
                return report
            await asyncio.to_thread(_move, written, self._folder / "new" / name)
        except OSError as fault:
            return failed(mail.envelope.recipients, not_written(self._folder, fault))
        except OutcomeUnknown as fault:
            return failed(mail.envelope.recipients, fault)
        finally:
            over.set()
            written.unlink(missing_ok=True)  # there only if it did not go
        return accepted(mail)

    def _new_name(self) -> str:
        seconds, fraction = divmod(self._clock.now(), 1)
        return f"{int(seconds)}.M{int(fraction * 1e6):06}P{os.getpid()}Q{next(_NUMBER)}.{self._host}"

    async def check(self) -> CheckReport:
        """Raises ``SendError`` where the folder cannot be written."""
        if not all(os.access(self._folder / name, os.W_OK | os.X_OK) for name in ("tmp", "new")):
            raise SendError(f"the folder {self._folder} cannot be written", phase=Phase.STORE)
        return CheckReport(self.name, ("the folder can be written",))

    async def aclose(self) -> None:
        """Nothing to release."""


def stored_form(mail: MailObject) -> bytes:
    """The message with its envelope on top, and LF line ends."""
    sender = mail.envelope.mail_from.addr_spec if mail.envelope.mail_from else ""
    recipients = "".join(f"Delivered-To: {recipient.addr_spec}\n" for recipient in mail.envelope.recipients)
    return f"Return-Path: <{sender}>\n{recipients}".encode() + mail.content.replace(b"\r\n", b"\n")


def _write(path: Path, content: bytes, over: threading.Event) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if over.is_set():  # whoever wanted it was cancelled meanwhile
        path.unlink(missing_ok=True)


def _move(written: Path, to: Path) -> None:
    written.rename(to)
    sync_names(to.parent)
