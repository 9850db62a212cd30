"""A private Postfix: the installed programs with a configuration, queue and data folder of their own.

``master`` is run as our child. Postfix insists on root.
"""

import os
import pwd
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.peers.certificates import ServerCertificate
from tests.peers.dovecot_auth import DovecotAuth
from tests.peers.endpoint import LOOPBACK, Endpoint, free_endpoint
from tests.peers.private_server import Launch, PrivateServer
from tests.peers.program import program_path
from tests.peers.waiting import PATIENCE

OWNER = "postfix"  # the user whom Postfix's package creates
QUEUES = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "maildrop",
    "trace",
    "saved",
)
SOCKETS = ("private", "public")
MAILBOX = "all"
TRACE_FIELDS = (
    b"return-path",
    b"x-original-to",
    b"delivered-to",
    b"received",
)  # what virtual(8), smtpd(8) prepend

# Each smtpd reads them before it gives up root. name@ matches that local part at every domain: access(5).
ACCESS = "inline:{ {reject@ = 550 5.1.1 No such mailbox here}, {defer@ = 450 4.2.0 Mailbox busy, try again later} }"

SERVICES = """\
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostfixSettings:
    """What a private Postfix offers. ``parameters`` are lines of main.cf, and win over all others."""

    certificate: ServerCertificate | None = None  # with one: STARTTLS, and a second port with implicit TLS
    users: Mapping[str, str] = field(default_factory=dict)  # with any: AUTH PLAIN and LOGIN for these passwords
    auth: Endpoint | None = None  # instead of users: who is asked, by Dovecot's protocol
    message_size_limit: int = 10_240_000  # octets; Postfix's own default
    smtputf8: bool = True
    hidden_keywords: tuple[str, ...] = ()  # EHLO keywords that are kept quiet
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message as it lies in the mailbox of one recipient. Line ends are LF there."""

    raw: bytes

    @property
    def sender(self) -> str:
        """The envelope sender, ``""`` for a bounce."""
        return self._trace["return-path"].strip("<>")

    @property
    def recipient(self) -> str:
        return self._trace["x-original-to"]

    @property
    def content(self) -> bytes:
        """The message as it was handed to Postfix, without the header fields that Postfix put on top."""
        return _split_trace(self.raw)[1]

    @property
    def _trace(self) -> dict[str, str]:
        fields = (line.split(b":", 1) for line in _split_trace(self.raw)[0])
        return {name.decode().lower(): value.strip().decode() for name, value in fields}


def _split_trace(raw: bytes) -> tuple[list[bytes], bytes]:
    fields: list[bytes] = []
    for expected in TRACE_FIELDS:
        match = re.match(rb"(?i:%s):.*\n(?:[ \t].*\n)*" % expected, raw)
        if match is None:
            raise ValueError(f"Postfix put no {expected.decode()} here: {raw[:200]!r}")
        fields.append(match[0])
        raw = raw[match.end() :]
    return fields, raw


class Postfix(PrivateServer):
    """A running private instance that takes mail for every address and stores it.

    Two local parts are special at every domain: ``reject@`` is refused with 550 5.1.1, ``defer@`` with 450 4.2.0.
    """

    smtp: Endpoint
    smtps: Endpoint  # implicit TLS; listens only where the settings hold a certificate

    def __init__(self, settings: PostfixSettings | None = None) -> None:
        self._settings = settings or PostfixSettings()
        self._auth = DovecotAuth(self._settings.users) if self._settings.users else None
        super().__init__("postfix-")

    @property
    def configuration(self) -> Path:
        """The folder of main.cf, for ``postqueue -c`` and its like."""
        return self._root / "configuration"

    def messages(self, count: int = 1, patience: float = PATIENCE) -> list[bytes]:
        """The bytes in the mailbox, once ``count`` messages or more are there (one a recipient), oldest first.

        Raises:
            TimeoutError: fewer came within ``patience`` seconds; carries Postfix's log.
        """
        return [delivered.raw for delivered in self.deliveries(count, patience)]

    def deliveries(self, count: int = 1, patience: float = PATIENCE) -> list[Delivered]:
        """As ``messages``, with envelope and content told apart."""
        files = self._files(self._root / "mailboxes" / MAILBOX / "new", count, patience)
        return [Delivered(file.read_bytes()) for file in files]

    def queued(self) -> int:
        """How many messages wait in the queue."""
        queues = ("incoming", "active", "deferred", "maildrop")
        return sum(path.is_file() for name in queues for path in (self._root / "queue" / name).rglob("*"))

    def _release(self) -> None:
        if self._auth is not None:
            self._auth.stop()
        super()._release()

    def _prepare(self) -> None:
        owner = pwd.getpwnam(OWNER)
        queue = self._root / "queue"
        for folder in (self.configuration, queue, queue / "pid"):
            folder.mkdir()
        for folder in (
            self._root / "data",
            self._root / "mailboxes",
            *(queue / name for name in QUEUES + SOCKETS),
        ):
            folder.mkdir(mode=0o700)
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    def _launch(self) -> Launch:
        self.smtp, self.smtps = free_endpoint(), free_endpoint()
        name = f"postfix-{self.smtp.port}.test"
        self._write("main.cf", "".join(f"{key} = {value}\n" for key, value in self._parameters(name).items()))
        self._write("master.cf", self._listeners() + SERVICES)
        return Launch([_master(), "-c", str(self.configuration)], self.smtp, name)

    def _write(self, name: str, text: str) -> None:
        path = self.configuration / name
        path.write_text(text)
        # Postfix sleeps until a file that was just written is a few seconds old.
        os.utime(path, (0, 0))

    def _listeners(self) -> str:
        listeners = f"{self.smtp} inet n - n - - smtpd\n"
        if self._settings.certificate:
            listeners += f"{self.smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
        return listeners

    def _parameters(self, name: str) -> dict[str, str]:
        return self._base(name) | self._storage() | self._tls() | self._sasl() | dict(self._settings.parameters)

    def _base(self, name: str) -> dict[str, str]:
        return {
            "compatibility_level": "3.6",
            "queue_directory": f"{self._root}/queue",
            "data_directory": f"{self._root}/data",
            "maillog_file": f"{self._root}/log",
            "maillog_file_prefixes": str(self._root),
            "myhostname": name,
            "inet_interfaces": LOOPBACK,
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "disable_dns_lookups": "yes",
            "smtpd_peername_lookup": "no",
            "smtpd_error_sleep_time": "0",
            "local_header_rewrite_clients": "",  # a message comes out as it went in
            "message_size_limit": str(self._settings.message_size_limit),
            "smtputf8_enable": "yes" if self._settings.smtputf8 else "no",
            "smtpd_discard_ehlo_keywords": ", ".join(self._settings.hidden_keywords),
            "smtpd_recipient_restrictions": f"check_recipient_access {ACCESS}, permit_mynetworks, reject",
        }

    def _storage(self) -> dict[str, str]:
        owner = pwd.getpwnam(OWNER)
        return {
            "mydestination": "",
            "alias_maps": "",
            "alias_database": "",
            "default_transport": "virtual",
            "virtual_mailbox_domains": "",  # no domain is special: mail goes where default_transport says
            "virtual_mailbox_base": f"{self._root}/mailboxes",
            "virtual_mailbox_maps": f"static:{MAILBOX}/",  # the slash asks for a Maildir
            "virtual_mailbox_limit": "0",
            "virtual_uid_maps": f"static:{owner.pw_uid}",
            "virtual_gid_maps": f"static:{owner.pw_gid}",
        }

    def _tls(self) -> dict[str, str]:
        certificate = self._settings.certificate
        if certificate is None:
            return {}
        return {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_chain_files": f"{certificate.key}, {certificate.certificate}",
            "smtpd_tls_loglevel": "1",
        }

    def _sasl(self) -> dict[str, str]:
        auth = self._auth.endpoint if self._auth else self._settings.auth
        if auth is None:
            return {}
        return {
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"inet:{auth}",
            "smtpd_tls_auth_only": "yes" if self._settings.certificate else "no",
        }


@cache
def _master() -> str:
    """The path of master(8), as it was compiled in."""
    command = [program_path("postconf"), "-d", "-h", "daemon_directory"]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return f"{folder}/master"
