"""A private Dovecot: the installed programs with a configuration, run and mail folder of their own.

It is a SASL server for Postfix (``auth``), with mechanisms that Postfix alone does not have, and takes mail by LMTP.
``dovecot`` is run as our child. It insists on root.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.certificates import ServerCertificate
from tests.peers.endpoint import Endpoint, free_endpoint
from tests.peers.private_server import Launch, PrivateServer
from tests.peers.program import program_path
from tests.peers.waiting import PATIENCE

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2")
ISSUER_KEY = b"the key of the issuer of tokens"
OWNER, GROUP = "nobody", "nogroup"  # of the mail

CONFIGURATION = """\
protocols = lmtp
base_dir = {root}/run
state_dir = {root}/run
log_path = {root}/log
hostname = {name}
{tls}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
auth_username_format = %Ln
auth_verbose = yes
mail_location = maildir:~/
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
mail_plugins = quota
plugin {{
  quota = count:User quota
  quota_vsizes = yes
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth2
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-256
  args = {root}/users
}}
userdb {{
  driver = passwd-file
  args = {root}/users
  override_fields = uid={owner} gid={group} home={root}/mail/%u
}}
service anvil {{
  # Without it nobody has to wait for having been refused before.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  inet_listener {{
    address = {auth.host}
    port = {auth.port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {lmtp.host}
    port = {lmtp.port}
  }}
  unix_listener {root}/lmtp {{
    mode = 0666
  }}
  {implicit_tls}
}}
{more}"""
IMPLICIT_TLS = """inet_listener lmtps {{
    address = {lmtps.host}
    port = {lmtps.port}
    ssl = yes
  }}"""
OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={root}/keys/
username_attribute = sub
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DovecotSettings:
    """What a private Dovecot offers. ``more`` is added to its configuration, and wins."""

    users: Mapping[str, str] = field(default_factory=dict)  # local part → password; mail for others is refused
    mechanisms: tuple[str, ...] = MECHANISMS
    quotas: Mapping[str, int] = field(default_factory=dict)  # user → octets that the mailbox takes
    certificate: ServerCertificate | None = None  # with one: STARTTLS, and a second port with implicit TLS
    more: str = ""


class Dovecot(PrivateServer):
    """A running private instance."""

    auth: Endpoint  # the authentication protocol, for Postfix's ``smtpd_sasl_path``
    lmtp: Endpoint
    lmtps: Endpoint  # implicit TLS; listens only where the settings hold a certificate

    def __init__(self, settings: DovecotSettings) -> None:
        self._settings = settings
        super().__init__("dovecot-")

    @property
    def socket(self) -> Path:
        """Where LMTP is spoken too."""
        return self._root / "lmtp"

    def messages(self, user: str, count: int = 1, patience: float = PATIENCE) -> list[bytes]:
        """The bytes in a user's mailbox, once ``count`` messages or more are there. Line ends are LF there.

        Raises:
            TimeoutError: fewer came within ``patience`` seconds; carries Dovecot's log.
        """
        return [file.read_bytes() for file in self._files(self._root / "mail" / user / "new", count, patience)]

    def _prepare(self) -> None:
        keys = self._root / "keys" / "default" / "HS256"
        keys.mkdir(parents=True)
        (keys / "default").write_bytes(base64.b64encode(ISSUER_KEY))
        mail = self._root / "mail"
        mail.mkdir()
        mail.chmod(0o777)
        (self._root / "oauth2").write_text(OAUTH2.format(root=self._root))
        lines = "".join(
            _line(user, password, self._settings.quotas.get(user)) for user, password in self._settings.users.items()
        )
        (self._root / "users").write_text(lines)

    def _tls(self) -> str:
        certificate = self._settings.certificate
        if certificate is None:
            return "ssl = no"
        return f"ssl = yes\nssl_cert = <{certificate.certificate}\nssl_key = <{certificate.key}"

    def _launch(self) -> Launch:
        self.auth, self.lmtp, self.lmtps = free_endpoint(), free_endpoint(), free_endpoint()
        name = f"dovecot-{self.lmtp.port}.test"
        mechanisms = " ".join(self._settings.mechanisms).lower()
        configuration = self._root / "configuration"
        configuration.write_text(
            CONFIGURATION.format(
                root=self._root,
                name=name,
                mechanisms=mechanisms,
                owner=OWNER,
                group=GROUP,
                auth=self.auth,
                lmtp=self.lmtp,
                more=self._settings.more,
                tls=self._tls(),
                implicit_tls=IMPLICIT_TLS.format(lmtps=self.lmtps) if self._settings.certificate else "",
            )
        )
        return Launch([program_path("dovecot"), "-F", "-c", str(configuration)], self.lmtp, name)


def access_token(user: str, expires_at: int, key: bytes = ISSUER_KEY) -> str:
    """A token as Dovecot takes it: a JSON Web Token (RFC 7519), signed by the issuer. ``expires_at`` in Unix time."""
    claims = {"sub": user, "exp": expires_at, "iat": expires_at - 3600, "nbf": expires_at - 3600}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_base64url(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _line(user: str, password: str, quota: int | None) -> str:
    extra = "" if quota is None else f"userdb_quota_rule=*:bytes={quota}"
    return f"{user}:{{PLAIN}}{password}::::::{extra}\n"  # the empty fields make it an account, and not only a log-in
