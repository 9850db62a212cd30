"""``file:///folder``: each message as an ``.eml`` file, with its envelope beside it in a ``.json`` of the same name."""

import asyncio
import itertools
import json
import os
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


class FileTransport:
    """Writes to a folder, which is made if its parent exists. The ``.eml`` appears whole, by rename, and is synced.

    Names sort by time. The ``.json`` has ``mail_from`` (``null`` for the null sender), ``recipients``, ``message_id``.

    Raises:
        ConfigurationError: the folder cannot be made or is none.
    """

    abilities = frozenset({Ability.SEPARATE_ENVELOPE})
    concurrency = 8
    max_size = None

    def __init__(self, folder: str | os.PathLike[str], *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = Path(folder)
        self._clock = clock
        make_folders(self.name, [self._folder])

    @property
    def name(self) -> str:
        return f"file://{self._folder}"

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        if (report := await taken_back(mail, before_commit)) is not None:
            return report
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as fault:
            return failed(mail.envelope.recipients, not_written(self._folder, fault))
        except OutcomeUnknown as fault:
            return failed(mail.envelope.recipients, fault)
        return accepted(mail)

    def _write(self, mail: MailObject) -> None:
        stem = f"{self._clock.now():.6f}-{os.getpid()}-{next(_NUMBER):06}"
        envelope = {
            "mail_from": mail.envelope.mail_from.addr_spec if mail.envelope.mail_from else None,
            "recipients": [recipient.addr_spec for recipient in mail.envelope.recipients],
            "message_id": mail.message_id,
        }
        self._store(f"{stem}.json", json.dumps(envelope, ensure_ascii=False, indent=1).encode())
        try:
            self._store(f"{stem}.eml", mail.content)
        except BaseException:
            (self._folder / f"{stem}.json").unlink(missing_ok=True)
            raise
        sync_names(self._folder)

    def _store(self, name: str, content: bytes) -> None:
        temporary = self._folder / f".{name}.part"
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    async def check(self) -> CheckReport:
        """Raises ``SendError`` where the folder cannot be written."""
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise SendError(f"the folder {self._folder} cannot be written", phase=Phase.STORE)
        return CheckReport(self.name, ("the folder can be written",))

    async def aclose(self) -> None:
        """Nothing to release."""
