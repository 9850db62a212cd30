"""``Smtp``: everything that is said about one SMTP account, as a value."""

import ipaddress
from dataclasses import dataclass, field, fields
from typing import Final

from postroad.errors import ConfigurationError
from postroad.net.access_token import AccessTokens, TokenCallback
from postroad.net.tls import Tls, TlsSettings
from postroad.secret import Secret
from postroad.smtp.commands import checked_ehlo_name
from postroad.smtp.sasl import (
    WITH_PASSWORD,
    WITH_TOKEN,
    checked_mechanisms,
    checked_password,
    checked_token,
    checked_username,
)

DEFAULT_PORT: Final = {
    Tls.REQUIRED: 587,
    Tls.IMPLICIT: 465,
    Tls.OPPORTUNISTIC: 25,
    Tls.NONE: 25,
}  # RFC 6409, 8314, 5321
MEGABYTE: Final = 1_000_000  # octets


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for the server, in seconds. The long ones are RFC 5321 §4.5.3.2's."""

    connect: float = 10.0  # all addresses together; a wrong host or firewall should not cost minutes
    tls: float = 30.0
    greeting: float = 30.0  # §4.5.3.2.1 says 5 min; a wrong TLS mode looks just like this, and people wait for it
    command: float = 300.0  # §4.5.3.2.2 and .3: MAIL, RCPT; also EHLO, AUTH, STARTTLS
    data: float = 120.0  # §4.5.3.2.4
    block: float = 180.0  # §4.5.3.2.5: one block of content taken
    dot: float = 600.0  # §4.5.3.2.6: shorter makes doubles, because the server may already have the message (RFC 1047)
    quit: float = 2.0  # nothing depends on it
    secret: float = 60.0  # a vault, a program or a token callback; each has limits of its own below this

    def capped(self, seconds: float) -> "Timeouts":
        """No wait longer than ``seconds``, except for the final dot."""
        waits = {one.name: min(getattr(self, one.name), seconds) for one in fields(self) if one.name != "dot"}
        return Timeouts(**waits, dot=self.dot)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How connections are shared. The defaults suit a submission account at most providers."""

    connections: int = 5  # at once, to this account
    messages: int = 100  # per connection; many providers hang up after 100 or 50
    age: float = 300.0  # seconds that a connection lives
    idle: float = 8.0  # seconds without mail before we say QUIT; Amazon SES hangs up after 10
    wait: float = 300.0  # seconds a message waits for a connection while the queue does not move


@dataclass(frozen=True, slots=True)
class Smtp:
    """An SMTP account: where, by which TLS policy, as whom, and with how many connections.

    ``max_size`` is in octets of content. ``ehlo`` is the name given to the server; left out, the host's own name where
    it has a domain, else the address literal of the connection.

    ``username`` comes with a ``password`` (``Secret.ref`` for one that is looked up when it is needed) or with a
    ``token``: an OAuth 2.0 access token, or a callback, ``async`` or not, that returns one as ``str`` or
    ``AccessToken``. ``mechanisms`` names the SASL mechanisms that may be used, the best first; left out, SCRAM-SHA-256,
    PLAIN, LOGIN with a password, and OAUTHBEARER, XOAUTH2 with a token. With ``mechanisms="XOAUTH2"`` the password is
    the token.

    Raises:
        ConfigurationError: a setting is missing, malformed or contradicts another.
    """

    host: str
    port: int = 0
    username: str | None = None
    password: Secret | str | None = None
    tls: Tls = Tls.REQUIRED
    ca: str | None = None
    server_name: str | None = None
    ehlo: str | None = None
    max_size: int = 25 * MEGABYTE  # what most providers take, as octets on the wire
    limits: PoolLimits = field(default_factory=PoolLimits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    token: AccessTokens | TokenCallback | Secret | str | None = None
    mechanisms: tuple[str, ...] | str = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "host", _checked_host(self.host))
        put(self, "port", self.port or DEFAULT_PORT[self.tls])
        if isinstance(self.password, str):
            put(self, "password", Secret(self.password))
        put(self, "token", _token(self.token))
        if self.mechanisms:
            put(self, "mechanisms", checked_mechanisms(self.mechanisms, token=self.token is not None))
        if not 1 <= self.port <= 65535:
            raise ConfigurationError(f"port {self.port} is not from 1 to 65535", setting="port")
        if self.ehlo is not None:
            checked_ehlo_name(self.ehlo)
        self._check_numbers()
        self._check_account()

    def _check_numbers(self) -> None:
        numbers = {"pool": self.limits.connections, "messages": self.limits.messages, "max_size": self.max_size}
        for name, number in numbers.items():
            if number < 1:
                raise ConfigurationError(f"{name} must be at least 1, not {number}", setting=name)
        for settings in (self.limits, self.timeouts):
            for one in fields(settings):
                if not getattr(settings, one.name) > 0:
                    raise ConfigurationError(f"{one.name} must be more than 0 seconds", setting=one.name)

    def _check_account(self) -> None:
        if self.password is not None and self.token is not None:
            raise ConfigurationError("password and token are both given", setting="token")
        secret = "password" if self.token is None else "token"
        if (self.username is None) != (self.password is None and self.token is None):
            missing, given = (secret, "username") if self.username is not None else ("username", secret)
            raise ConfigurationError(f"{given} is given and {missing} is not", setting=missing)
        if self.username is None:
            return
        checked_username(self.username)
        if self.secret is not None and self.secret.reference is None:
            self.checked(self.secret)
        if self.tls is Tls.NONE and not self.loopback:
            raise ConfigurationError(
                f"smtp+insecure:// to {self.host} would send the password in plain text over the network",
                setting="tls",
                advice="Use smtp:// or smtps://; without TLS postroad authenticates only on a loopback host.",
            )

    @property
    def secret(self) -> Secret | None:
        """The password or token, as a value or a reference; ``None`` where there is none, or a callback knows it."""
        secret = self.password if self.token is None else self.token
        return secret if isinstance(secret, Secret) else None

    def checked(self, secret: Secret) -> Secret:
        """The password or token that was found, if it can be sent.

        Raises:
            ConfigurationError: it cannot.
        """
        return checked_token(secret) if self.allowed_mechanisms[0] in WITH_TOKEN else checked_password(secret)

    @property
    def allowed_mechanisms(self) -> tuple[str, ...]:
        """By which this account logs in, the best first."""
        if isinstance(self.mechanisms, tuple) and self.mechanisms:
            return self.mechanisms
        return WITH_PASSWORD if self.token is None else WITH_TOKEN

    @property
    def loopback(self) -> bool:
        """The host is this machine, so there is no network to listen on or to change anything."""
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761 §6.3
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def tls_settings(self) -> TlsSettings:
        """The policy in force: on a loopback host STARTTLS only if offered and, without a CA given, not verified."""
        mode = Tls.OPPORTUNISTIC if self.tls is Tls.REQUIRED and self.loopback and self.ca is None else self.tls
        return TlsSettings(mode, self.ca, self.server_name)

    @property
    def where(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def name(self) -> str:
        """The account as a URL without its password."""
        scheme = {Tls.REQUIRED: "smtp", Tls.IMPLICIT: "smtps", Tls.NONE: "smtp+insecure"}.get(
            self.tls, "smtp+opportunistic"
        )
        user = f"{self.username}@" if self.username else ""
        return f"{scheme}://{user}{self.where}"


def _token(token: AccessTokens | TokenCallback | Secret | str | None) -> AccessTokens | Secret | None:
    if token is None or isinstance(token, AccessTokens | Secret):
        return token
    if isinstance(token, str):
        return Secret(token)
    if not callable(token):
        raise ConfigurationError(f"token is a {type(token).__name__}; give a text or a callback", setting="token")
    return AccessTokens(token)


def _checked_host(host: str) -> str:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare:
        raise ConfigurationError("the host name is missing", setting="host")
    if any(character.isspace() or not character.isprintable() or character in "/@?#<>" for character in bare):
        raise ConfigurationError(f"{ascii(bare)[:80]} is not a host name", setting="host")
    return bare if ":" in bare else bare.lower().rstrip(".")
