"""What every email API is to postroad: pure functions between a mail object and HTTP.

A provider is one folder: ``send`` (mail object to request, answer to outcomes), ``events`` (webhook to events),
``emulate`` (the provider's side, for tests). No socket, no clock: time is handed in, secrets are handed in, and what
carries the requests is ``postroad.transport.provider_api``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from postroad.errors import ConfigurationError, Unsupported
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.secret import MASK, Secret

if TYPE_CHECKING:
    from datetime import datetime

CONNECTIONS: Final = (
    8  # requests at once; ours. A provider that counts requests a second answers 429, which is waited for
)
TIMEOUT: Final = 60.0  # seconds for an answer; shorter ones leave more mail in doubt

IDEMPOTENCY_KEY: Final = "idempotency-key"  # the header field that makes a request safe to repeat

Document = Mapping[str, Any]
"""A message as a provider wants it."""

Keys = Mapping[str, str]
"""The secrets of an account, revealed, by their names in ``Provider.secret_fields``."""


class Ability(Enum):
    """What some providers can do and others cannot. Text, HTML, files and inline images all of them can."""

    SEPARATE_ENVELOPE = "separate_envelope"  # whom mail goes to need not be whom its header names
    AS_IT_IS = "raw"  # the content goes out as it was rendered, with our own signature
    MESSAGE_ID = "message_id"  # our Message-ID is kept
    RETURN_PATH = "return_path"  # bounces may go to an address of our own
    BCC_ALONE = "bcc_alone"  # nobody in To
    SEVERAL_AUTHORS = "several_from"
    REPEATED_FIELDS = "repeated_headers"
    EMPTY_BODY = "empty_body"
    TAGS = "tags"
    SEVERAL_TAGS = "several_tags"
    METADATA = "metadata"
    SEND_AT = "send_at"  # the provider itself can hold mail until a time
    BATCH = "batch"  # several messages in one request
    IDEMPOTENCY = "idempotency"  # the same request twice is one mail

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """``path`` stands behind the provider's endpoint, with its query. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, **more: str) -> "HttpRequest":
        """The request with more header fields; an underscore in a name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return replace(self, headers={**self.headers, **named})

    def __repr__(self) -> str:
        # Header fields hold keys, bodies hold people's mail.
        return f"HttpRequest({self.method} {self.path.partition('?')[0]}, {MASK}, {len(self.body)} octets)"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back. Header names are in lower case."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(ABC):
    """An account at an email API, as a value, and how to speak with it.

    ``endpoint`` is its base URL, left out the provider's own. ``connections`` is how many requests go at once,
    ``timeout`` how many seconds an answer may take, ``rate`` how fast messages may follow one another (``100/min``),
    ``burst`` how many of them may go at once after a pause. ``ca`` is a PEM file of trusted issuers.
    """

    name: ClassVar[str]  # also the URL's scheme
    title: ClassVar[str]
    abilities: ClassVar[frozenset[Ability]]
    max_size: ClassVar[int]  # octets of a message
    max_recipients: ClassVar[int]  # of a message; more go in several requests, where the envelope is separate
    together: ClassVar[int] = 1  # messages in a request
    longest_hold: ClassVar[float] = 0.0  # seconds that mail may be held there until its time (``send_at``)
    account_fields: ClassVar[tuple[str, ...]]  # what stands before the @ of a URL: a key, or a user and a password
    host_field: ClassVar[str | None] = None  # what stands behind it
    options: ClassVar[tuple[str, ...]] = ()  # the fields that a URL may name besides those of all providers
    # The fields that are secrets, and the variables they usually stand in; empty where there is none such.
    secret_fields: ClassVar[Mapping[str, str]]

    endpoint: str = ""
    connections: int = CONNECTIONS
    timeout: float = TIMEOUT
    rate: str | None = None
    burst: int = 1
    ca: str | None = None

    def __post_init__(self) -> None:
        for name, variable in self.secret_fields.items():
            object.__setattr__(self, name, self._secret(name, variable))
        if self.connections < 1 or self.timeout <= 0:
            setting = "timeout" if self.connections >= 1 else "connections"
            raise ConfigurationError(f"{setting} must be more than 0", setting=setting)

    def _secret(self, name: str, variable: str) -> Secret | None:
        given = getattr(self, name)
        if given is None:
            return Secret.ref(f"env:{variable}") if variable else None
        if not isinstance(given, str | Secret) or not given:
            raise ConfigurationError(f"{self.title}: {name} is empty, or no text", setting=name)
        return Secret(given)

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """What is needed to be let in, by name."""
        fields = {name: getattr(self, name) for name in self.secret_fields}
        return {name: secret for name, secret in fields.items() if secret is not None}

    @property
    @abstractmethod
    def home(self) -> str:
        """The base URL where the provider is, unless ``endpoint`` says otherwise."""

    @property
    def account(self) -> str:
        """The URL for people, without secrets."""
        return f"{self.name}://"

    def goes_together(self, mail: MailObject) -> bool:
        """Whether the message may share a request with others."""
        return self.together > 1

    @abstractmethod
    def prepared(self, mail: MailObject) -> Document:
        """The message in the provider's own form.

        Raises:
            Unsupported: the provider cannot do what the message needs; the error names it.
            MessageError: the message cannot go this way at all.
        """

    @abstractmethod
    def request(self, documents: tuple[Document, ...]) -> HttpRequest:
        """The request that sends these messages: one, or up to ``together`` of those that go together."""

    @abstractmethod
    def reports(self, mails: tuple[MailObject, ...], reply: HttpReply, now: "datetime") -> tuple[SendReport, ...]:
        """What the answer to ``request`` says of each message and each recipient."""

    @abstractmethod
    def authorized(self, request: HttpRequest, keys: Keys, now: "datetime") -> HttpRequest:
        """The request with what lets it in: a header field, or a signature."""

    @abstractmethod
    def probe(self) -> HttpRequest:
        """A request that sends nothing, and shows whether the account works."""

    @abstractmethod
    def probed(self, reply: HttpReply, now: "datetime") -> tuple[str, ...]:
        """What the answer to ``probe`` says, a fact a line.

        Raises:
            SendError: why the account does not work.
        """

    def supports(self, ability: str) -> bool:
        """Whether the provider can do something, by the word for it: ``"send_at"``.

        Raises:
            ConfigurationError: there is no such word.
        """
        return word(ability) in self.abilities


def word(ability: str) -> Ability:
    """The ability of that name.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return Ability(ability)
    except ValueError:
        known = ", ".join(one.value for one in Ability)
        raise ConfigurationError(f"{ability!a} is no ability; there are {known}", setting="ability") from None


def unsupported(
    provider: type[Provider] | Provider, what: str, *, field: str, advice: str | None = None
) -> Unsupported:
    """The refusal of a message that needs what the provider does not have, naming the field that asks for it."""
    return Unsupported(f"{field}: {provider.title} {what}", phase=Phase.MESSAGE, advice=advice)
