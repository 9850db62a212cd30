"""``Smtp``: everything that is said about one SMTP account, as a value.

Two connections are interchangeable only where all of it is equal: a pool belongs to one such value, so the value is
its key (host and port or path, protocol, TLS, account, source address, proxy, limits).
"""

from dataclasses import dataclass, field
from typing import Any, Final

from postroad.errors import ConfigurationError
from postroad.net.access_token import AccessTokens, TokenCallback
from postroad.net.host_name import authority, checked_host
from postroad.net.pin import checked_pins
from postroad.net.proxy import Proxy
from postroad.net.tls import Tls, TlsSettings, Trust
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
from postroad.transport.gcra import Rate
from postroad.transport.presets import Preset, named_preset, preset_for
from postroad.transport.smtp.limits import MAX_SIZE, USUAL_LIMITS, PoolLimits, Timeouts, check_limits, limits_at
from postroad.transport.smtp.place import (
    DEFAULT_PORT,
    Protocol,
    checked_path,
    checked_source,
    is_loopback,
    settled_port,
)

# What an account is said in: found here, wherever the parts are written down.
__all__ = ["MAX_SIZE", "PoolLimits", "Protocol", "Smtp", "Timeouts", "limits_at"]


_ASK_FOR_IT: Final = (
    "Give it with password=, POSTROAD_PASSWORD (or SMTP_PASS), --password env:NAME or ?password_ref=env:NAME; or leave "
    "the user name out, where the server asks for none."
)


@dataclass(frozen=True, slots=True)
class Smtp:
    """An SMTP account: where, by which TLS policy, as whom, and with how many connections.

    ``max_size`` is in octets of content. It and ``limits``, left out, are what the preset of a known relay says (see
    ``presets``), else 25 MB and ``PoolLimits()``. ``rate`` is a ``Rate``, or a text such as ``100/min``. ``ehlo`` is
    the name given to the server; left out, the host's own name where it has a domain, else the address literal of the
    connection.

    ``username`` comes with a ``password`` (``Secret.ref`` for one that is looked up when it is needed) or with a
    ``token``: an OAuth 2.0 access token, or a callback, ``async`` or not, that returns one as ``str`` or
    ``AccessToken``. ``mechanisms`` names the SASL mechanisms that may be used, the best first; left out, SCRAM-SHA-256,
    PLAIN, LOGIN with a password, and OAUTHBEARER, XOAUTH2 with a token. With ``mechanisms="XOAUTH2"`` the password is
    the token.

    ``tls`` left out is ``REQUIRED``; for LMTP without a CA or a pin ``OPPORTUNISTIC``, and nothing over a UNIX socket.
    ``pin`` is the digest of the server's key, or several (``sha256//…``); ``trust`` says whether it comes on top of an
    issuer that is trusted or instead of one. ``client_cert`` and ``client_key`` are PEM files.

    ``socket_path`` is a UNIX socket instead of host and port. ``proxy`` is a URL (``socks5://``, ``socks5h://``,
    ``http://``) or a ``Proxy``; ``source`` is the IP address of this machine to connect from.

    Raises:
        ConfigurationError: a setting is missing, malformed or contradicts another.
    """

    host: str = ""
    port: int = 0
    username: str | None = None
    password: Secret | str | None = None
    tls: Tls | None = None
    ca: str | None = None
    server_name: str | None = None
    ehlo: str | None = None
    max_size: int = 0
    limits: PoolLimits = USUAL_LIMITS
    timeouts: Timeouts = field(default_factory=Timeouts)
    token: AccessTokens | TokenCallback | Secret | str | None = None
    mechanisms: tuple[str, ...] | str = ()
    protocol: Protocol = Protocol.SMTP
    socket_path: str | None = None
    proxy: Proxy | str | None = None
    source: str | None = None
    pin: tuple[str, ...] | str = ()
    trust: Trust = Trust.AUTHORITY
    client_cert: str | None = None
    client_key: str | None = None
    client_key_password: Secret | str | None = None
    rate: Rate | str | None = None

    @classmethod
    def preset(cls, name: str, *, region: str = "", **settings: Any) -> "Smtp":
        """The account at a known relay: ``Smtp.preset("gmail", username=…, password=…)``; ``docs/routes.md`` has them.

        ``settings`` are those of ``Smtp``; ``region`` is for the relays that have some, such as ``ses``.

        Raises:
            ConfigurationError: there is no such preset, the region is missing, or a setting is wrong.
        """
        known = named_preset(name)
        if known.user is not None and ("password" in settings or "token" in settings):
            settings.setdefault("username", known.user)
        settings.setdefault("port", known.port)
        settings.setdefault("tls", Tls.IMPLICIT if settings["port"] == DEFAULT_PORT[Tls.IMPLICIT] else Tls.REQUIRED)
        return cls(known.host_in(region), **settings)

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in ("password", "client_key_password"):
            if isinstance(given := getattr(self, name), str):
                put(self, name, Secret(given))
        put(self, "token", _token(self.token))
        if self.mechanisms:
            put(self, "mechanisms", checked_mechanisms(self.mechanisms, token=self.token is not None))
        put(self, "pin", checked_pins(self.pin) if self.pin else ())
        put(self, "tls", self.tls or self._usual_tls())
        put(self, "rate", Rate.read(self.rate) if isinstance(self.rate, str) else self.rate)
        self._settle_place()
        self._settle_limits()
        if self.ehlo is not None:
            checked_ehlo_name(self.ehlo)
        check_limits(self.limits, self.timeouts, self.max_size)
        self._check_tls()
        self._check_account()

    def _usual_tls(self) -> Tls:
        """A mail store beside the server seldom has a certificate that anybody could verify."""
        verifiable = self.ca is not None or bool(self.pin)
        if self.protocol is Protocol.SMTP or verifiable:
            return Tls.REQUIRED
        return Tls.OPPORTUNISTIC

    def _settle_place(self) -> None:
        put = object.__setattr__
        if isinstance(self.proxy, str):
            put(self, "proxy", Proxy.from_url(self.proxy))
        if self.socket_path is not None:
            put(self, "host", self._host_of_socket())
            checked_path(self.socket_path)
            return
        put(self, "host", checked_host(self.host))
        put(self, "port", settled_port(self.port, self.protocol, self.tls or Tls.REQUIRED))
        if self.source is not None:
            put(self, "source", checked_source(self.source, self.host if self.proxy is None else ""))

    def _settle_limits(self) -> None:
        put, known = object.__setattr__, self.known
        usual = MAX_SIZE if known is None else known.max_size or MAX_SIZE
        put(self, "max_size", self.max_size or usual)
        if self.limits is USUAL_LIMITS:
            put(self, "limits", limits_at(self.host))

    def _host_of_socket(self) -> str:
        """The host at a UNIX socket is this one."""
        if self.host not in ("", "localhost") or self.port:
            raise ConfigurationError("a UNIX socket has neither host nor port", setting="socket_path")
        if self.proxy is not None or self.source is not None:
            name = "proxy" if self.proxy is not None else "source"
            raise ConfigurationError(f"{name} is given, and a UNIX socket is not on the network", setting=name)
        return "localhost"

    def _check_tls(self) -> None:
        if self.trust is Trust.PIN_ONLY and not self.pin:
            raise ConfigurationError("trust is pin-only, and no pin is given", setting="pin")
        if self.trust is Trust.PIN_ONLY and self.ca is not None:
            raise ConfigurationError("ca is given, and with trust pin-only no issuer is looked at", setting="ca")
        if self.pin and self.tls in (Tls.OPPORTUNISTIC, Tls.NONE):
            raise ConfigurationError("pin is given, and without TLS mail would go all the same", setting="pin")
        for name, needed in (("client_key", "client_cert"), ("client_key_password", "client_cert")):
            if getattr(self, name) is not None and getattr(self, needed) is None:
                raise ConfigurationError(f"{name} is given and {needed} is not", setting=needed)
        if self.client_cert is not None and self.tls is Tls.NONE:
            raise ConfigurationError("client_cert is given, and there is no TLS to show it in", setting="client_cert")

    def _check_account(self) -> None:
        if self.password is not None and self.token is not None:
            raise ConfigurationError("password and token are both given", setting="token")
        secret = "password" if self.token is None else "token"
        if (self.username is None) != (self.password is None and self.token is None):
            missing, given = (secret, "username") if self.username is not None else ("username", secret)
            advice = _ASK_FOR_IT if missing == "password" else None
            raise ConfigurationError(f"{given} is given and {missing} is not", setting=missing, advice=advice)
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
    def known(self) -> Preset | None:
        """What is known of the relay, if it is a well-known one."""
        return preset_for(self.host)

    @property
    def account(self) -> str:
        """The account, as ``user@host:port`` or the path of a socket: what limits of a provider are for."""
        place = self.socket_path or f"{self.host}:{self.port}"
        return f"{self.username}@{place}" if self.username else place

    @property
    def spacing(self) -> Rate | None:
        """How fast messages may follow one another."""
        return self.rate if isinstance(self.rate, Rate) else None

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
        if self.proxy is not None:  # then it is the proxy's machine, whatever its name
            return False
        return is_loopback(self.host)

    @property
    def tls_settings(self) -> TlsSettings:
        """The policy in force: on a loopback host STARTTLS only if offered and, without a CA or a pin given, not
        verified; over a UNIX socket no TLS.
        """
        return TlsSettings(
            self._mode(),
            self.ca,
            self.server_name,
            self.pins,
            self.trust,
            self.client_cert,
            self.client_key,
        )

    def _mode(self) -> Tls:
        mode = self.tls or Tls.REQUIRED
        verifiable = self.ca is not None or bool(self.pin)
        if self.socket_path is not None and mode is not Tls.IMPLICIT and not verifiable:
            return Tls.NONE
        return Tls.OPPORTUNISTIC if mode is Tls.REQUIRED and self.loopback and not verifiable else mode

    @property
    def pins(self) -> tuple[str, ...]:
        """The keys that the server may have; any, where there are none."""
        return self.pin if isinstance(self.pin, tuple) else ()

    @property
    def way(self) -> Proxy | None:
        """The proxy in between."""
        return self.proxy if isinstance(self.proxy, Proxy) else None

    @property
    def key_password(self) -> Secret | None:
        """What opens the client's key, as a value or a reference."""
        return self.client_key_password if isinstance(self.client_key_password, Secret) else None

    @property
    def where(self) -> str:
        """``host:port``, or the path of the socket."""
        return self.socket_path if self.socket_path is not None else authority(self.host, self.port)

    @property
    def name(self) -> str:
        """The account as a URL without its password."""
        scheme = {Tls.REQUIRED: "smtp", Tls.IMPLICIT: "smtps", Tls.NONE: "smtp+insecure"}.get(
            self.tls or Tls.REQUIRED, "smtp+opportunistic"
        )
        if self.protocol is Protocol.LMTP:
            scheme = "lmtp"
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
