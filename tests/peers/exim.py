"""A private Exim: its program, unpacked by ``unpack_exim``, with a configuration, spool, log and mailbox of its own.

Debian's packages of Exim and Postfix exclude each other, so it is unpacked beside the installed Postfix. It insists on
root, and on the user whom its package would create.
"""

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.certificates import ServerCertificate
from tests.peers.endpoint import LOOPBACK, Endpoint, free_endpoint
from tests.peers.private_server import Launch, PrivateServer
from tests.peers.waiting import PATIENCE

OWNER = "Debian-exim"  # compiled into Debian's program
UNPACKED = Path(__file__).parents[2] / "build" / "exim4"
PACKAGES = UNPACKED / "package"
PROGRAM = UNPACKED / "usr" / "sbin" / "exim4"
ADVERTISED = {  # EHLO keyword → the list of hosts that see it
    "PIPELINING": "pipelining_advertise_hosts",
    "CHUNKING": "chunking_advertise_hosts",
    "DSN": "dsn_advertise_hosts",
    "SMTPUTF8": "smtputf8_advertise_hosts",
}

CONFIGURATION = """\
exim_path = {program}
exim_user = {owner}
exim_group = {owner}
primary_hostname = {name}
spool_directory = {root}/spool
log_file_path = {root}/%slog
pid_file_path = {root}/pid
local_interfaces = {host}
daemon_smtp_ports = {smtp.port} : {smtps.port}
smtp_accept_queue_per_connection = 0
disable_ipv6
host_lookup =
rfc1413_hosts =
keep_environment =
# Left to its default, every certificate of the operating system is read at the start.
tls_verify_certificates =
# Nothing is delivered as anybody else, and a message comes out as it went in.
deliver_drop_privilege
received_header_text =
domainlist anywhere = *
{options}
begin acl
anything:
  accept
mail:
  deny  senders = reject@*
        message = 550 5.7.1 Not from you
  accept
data:
  deny  condition = ${{if eq{{$h_subject:}}{{spam}}}}
        message = 554 5.7.1 Not this
  accept
rcpt:
  deny  local_parts = reject
        message = 550 5.1.1 No such mailbox here
  defer local_parts = defer
        message = 450 4.2.0 Mailbox busy, try again later
  drop  local_parts = hangup
        message = 550 5.7.1 Go away
  accept

begin routers
{router}all:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  directory = {root}/mailbox
  maildir_format
  create_directory
  return_path_add
  envelope_to_add

{transport}
begin authenticators
{authenticators}"""
# Mail for a.example stays here, so that what Exim reports to a sender there does not follow the mail.
ROUTER = """\
relay:
  driver = manualroute
  domains = ! a.example
  route_list = * {relay.host}::{relay.port}
  self = send
  transport = relay

"""
TRANSPORT = """\
relay:
  driver = smtp
  port = {relay.port}
  tls_verify_cert_hostnames =
"""
# Where it has no certificate Exim signs one for itself at the start, for a second; it cannot tell that this is none.
NO_TLS = """\
tls_advertise_hosts =
tls_certificate = $tls_in_sni
"""
TLS = """\
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
tls_on_connect_ports = {port}
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}
"""
PASSWORD_OF = "${{lookup{{{user}}}lsearch{{{root}/users}}{{$value}}fail}}"
MECHANISMS = {
    "PLAIN": "driver = plaintext\nserver_prompts = :\nserver_condition = ${{if eq{{$auth3}}{{{second}}}}}\n"
    "server_set_id = $auth2\n",
    "LOGIN": "driver = plaintext\nserver_prompts = Username:: : Password::\n"
    "server_condition = ${{if eq{{$auth2}}{{{first}}}}}\nserver_set_id = $auth1\n",
    "CRAM-MD5": "driver = cram_md5\nserver_secret = {first}\nserver_set_id = $auth1\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EximSettings:
    """What a private Exim offers. ``options`` are lines of its main section."""

    certificate: ServerCertificate | None = None  # with one: STARTTLS, and a second port with implicit TLS
    users: Mapping[str, str] = field(default_factory=dict)  # with any: AUTH with these mechanisms
    mechanisms: tuple[str, ...] = tuple(MECHANISMS)
    keywords: tuple[str, ...] = ("PIPELINING", "CHUNKING", "DSN", "SMTPUTF8", "8BITMIME", "PRDR")  # of EHLO
    message_size_limit: int = 50_000_000  # octets; Exim's own default
    options: Mapping[str, str] = field(default_factory=dict)
    relay: Endpoint | None = None  # with one: it takes all mail, and hands it on to there
    relay_options: Mapping[str, str] = field(default_factory=dict)  # lines of the transport that does so
    client_authenticators: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message as it lies in the mailbox, for one recipient. Line ends are LF there."""

    sender: str  # "" for the null sender
    recipient: str
    content: bytes


class Exim(PrivateServer):
    """A running private instance that takes mail for every address and stores it.

    Some local parts are special at every domain. Recipients: ``reject@`` is refused with 550 5.1.1, ``defer@`` with
    450 4.2.0, and at ``hangup@`` it says 550 5.7.1 and hangs up. The sender ``reject@`` is refused with 550 5.7.1, and
    a content with the subject ``spam`` with 554 5.7.1.
    """

    smtp: Endpoint
    smtps: Endpoint  # implicit TLS, where the settings hold a certificate

    def __init__(self, settings: EximSettings | None = None) -> None:
        self._settings = settings or EximSettings()
        super().__init__("exim-")

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self._root.glob("*log")))

    def deliveries(self, count: int = 1, patience: float = PATIENCE) -> list[Delivered]:
        """What lies in the mailbox, oldest first, once ``count`` messages or more are there (one a recipient).

        Raises:
            TimeoutError: fewer came within ``patience`` seconds; carries Exim's log.
        """
        files = self._files(self._root / "mailbox" / "new", count, patience)
        return [_read(file.read_bytes()) for file in files]

    def _prepare(self) -> None:
        owner = pwd.getpwnam(OWNER)
        os.chown(self._root, owner.pw_uid, owner.pw_gid)
        users = "".join(f'"{user}": {password}\n' for user, password in self._settings.users.items())
        (self._root / "users").write_text(users)

    def _launch(self) -> Launch:
        self.smtp, self.smtps = free_endpoint(), free_endpoint()
        name = f"exim-{self.smtp.port}.test"
        configuration = self._root / "configuration"
        configuration.write_text(
            CONFIGURATION.format(
                program=PROGRAM,
                owner=OWNER,
                name=name,
                root=self._root,
                host=LOOPBACK,
                smtp=self.smtp,
                smtps=self.smtps,
                options=self._options(),
                router=ROUTER.format(relay=self._settings.relay) if self._settings.relay else "",
                transport=self._transport(),
                authenticators=self._authenticators(),
            )
        )
        configuration.chmod(0o644)
        return Launch([str(PROGRAM), "-bdf", "-C", str(configuration)], self.smtp, name)

    def _options(self) -> str:
        settings = self._settings
        options = {
            **{option: "*" if keyword in settings.keywords else "" for keyword, option in ADVERTISED.items()},
            "accept_8bitmime": str("8BITMIME" in settings.keywords).lower(),
            "prdr_enable": str("PRDR" in settings.keywords).lower(),
            "message_size_limit": str(settings.message_size_limit),
            "acl_smtp_mail": "mail" if settings.relay is None else "anything",
            "acl_smtp_rcpt": "rcpt" if settings.relay is None else "anything",
            "acl_smtp_data": "data" if settings.relay is None else "anything",
            **settings.options,
        }
        return "".join(f"{name} = {value}\n" for name, value in options.items()) + self._tls()

    def _transport(self) -> str:
        if self._settings.relay is None:
            return ""
        more = "".join(f"  {name} = {value}\n" for name, value in self._settings.relay_options.items())
        return TRANSPORT.format(relay=self._settings.relay) + more

    def _tls(self) -> str:
        certificate = self._settings.certificate
        if certificate is None:
            return NO_TLS
        # Read by the process of a session, which is nobody's root any more.
        readable = {"certificate": certificate.certificate, "key": certificate.key}
        copies = {name: self._copy(path) for name, path in readable.items()}
        return TLS.format(port=self.smtps.port, **copies)

    def _copy(self, path: Path) -> Path:
        copy = self._root / path.name
        copy.write_bytes(path.read_bytes())
        return copy

    def _authenticators(self) -> str:
        if not self._settings.users:
            return self._settings.client_authenticators
        first, second = (PASSWORD_OF.format(user=user, root=self._root) for user in ("$auth1", "$auth2"))
        return "".join(
            f"{name.replace('-', '_').lower()}:\npublic_name = {name}\n"
            + MECHANISMS[name].format(first=first, second=second)
            for name in self._settings.mechanisms
        )


def _read(raw: bytes) -> Delivered:
    trace = re.match(rb"(?:Return-path: <(?P<sender>.*)>\n|Envelope-to: (?P<recipient>.*)\n|Delivery-date: .*\n)+", raw)
    if trace is None:
        raise ValueError(f"Exim put nothing on top here: {raw[:200]!r}")
    return Delivered(trace["sender"].decode(), trace["recipient"].decode(), raw[trace.end() :])
