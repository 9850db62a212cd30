"""What a provider reports by webhook, in one vocabulary, with the provider's own words kept beside it."""

import hashlib
import hmac
import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final

from postroad.errors import WebhookRefused
from postroad.events import EventKind
from postroad.lookup import Fetcher, FetchFailed
from postroad.secret import Secret

TOLERANCE: Final = 300.0  # seconds between a signature's time and ours, as Stripe, Svix and Twilio recommend
MAX_CERTIFICATE: Final = 20_000  # octets
FETCH_SECONDS: Final = 10.0
_LATEST: Final = 253_402_300_800.0  # seconds: the end of the year 9999, behind which there is no date
MAX_BODY: Final = 20_000_000  # octets; SendGrid sends the most, some hundred events of some kilobytes


class Lasting(Enum):
    """How long a bounce speaks for the address."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    UNDETERMINED = "undetermined"


_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
# RFC 3463 §3.2, RFC 7505 §3: the mailbox, its domain or its form are wrong, or it has moved.
_OF_THE_ADDRESS: Final = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10"})
_SAYS_NOTHING: Final = frozenset({"0.0", "1.0"})


def lasting_of(status: str | None, reply: str, otherwise: Lasting = Lasting.UNDETERMINED) -> Lasting:
    """How long a bounce speaks for the address, by the status that a server gave (RFC 3463), which may stand in its
    reply; ``otherwise`` where there is none that says anything.
    """
    if (found := _STATUS.search(status or "") or _STATUS.search(reply)) is None or (
        found[1] == "5" and f"{found[2]}.{found[3]}" in _SAYS_NOTHING
    ):
        return Lasting.TEMPORARY if _FULL.match(reply) else otherwise
    if found[1] == "4" or (found[2], found[3]) == ("2", "2"):  # 5.2.2: the mailbox is full, which passes
        return Lasting.TEMPORARY
    return Lasting.PERMANENT if f"{found[2]}.{found[3]}" in _OF_THE_ADDRESS else Lasting.UNDETERMINED


_FULL: Final = re.compile(r"(smtp;\s*)?552\b")  # RFC 5321 §4.2.3: exceeded storage allocation


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """One thing that happened, to one recipient.

    ``event_id`` is the same whenever the provider tells of it again. ``remote_id`` is the provider's name of the
    message (``SendReport.remote_id``), ``message_id`` its Message-ID where the event has it. ``at`` is in seconds since
    the epoch. ``reply`` is what the recipient's server said, ``status`` its enhanced code; ``description`` and ``word``
    are the provider's own. ``raw`` is the event as it came.
    """

    kind: EventKind
    provider: str
    event_id: str
    word: str = ""
    recipient: str | None = None
    at: float | None = None
    remote_id: str | None = None
    message_id: str | None = None
    lasting: Lasting | None = None
    reply: str = ""
    status: str | None = None
    description: str = ""
    feedback_type: str | None = None  # of a complaint (RFC 5965 §3.1)
    url: str | None = None
    user_agent: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request as it came: header names in lower case, the body octet by octet, because that is what is signed."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Receiver(ABC):
    """Reads the webhooks of one provider. Made with the secret that they are checked by."""

    provider: ClassVar[str]

    def events(self, webhook: Webhook, now: datetime) -> tuple[ProviderEvent, ...]:
        """What a webhook tells, each event once, in its order. ``now`` is aware.

        Raises:
            WebhookRefused: it does not come from the provider, is too old, or is no webhook.
        """
        if len(webhook.body) > MAX_BODY:
            raise WebhookRefused(f"{self.provider}: a body of {len(webhook.body)} octets, {MAX_BODY} allowed")
        self.check(webhook, now)
        return each_once(self.read(webhook))

    @abstractmethod
    def check(self, webhook: Webhook, now: datetime) -> None:
        """Let through what the provider has signed.

        Raises:
            WebhookRefused: this was not.
        """

    @abstractmethod
    def read(self, webhook: Webhook) -> Iterable[ProviderEvent]:
        """The events of a webhook that was let through.

        Raises:
            WebhookRefused: it is none.
        """

    def wants(self, webhook: Webhook) -> str | None:
        """What must be fetched before this webhook can be checked: an HTTPS address of the provider's, or nothing.

        Raises:
            WebhookRefused: it names an address that is not the provider's.
        """
        return None

    def learn(self, url: str, content: bytes) -> None:
        """Take what was fetched."""
        raise TypeError(f"{self.provider} wants nothing fetched, and {url} was")

    def refused(self, why: str) -> WebhookRefused:
        """The refusal of a webhook."""
        return WebhookRefused(f"{self.provider}: {why}")


async def received(receiver: Receiver, webhook: Webhook, now: datetime, fetcher: Fetcher) -> tuple[ProviderEvent, ...]:
    """What a webhook tells, after fetching what it takes to check it.

    Raises:
        WebhookRefused: see ``Receiver.events``; or what it names cannot be fetched now.
    """
    if (url := receiver.wants(webhook)) is not None:
        answer = await fetcher.get(url, limit=MAX_CERTIFICATE, timeout=FETCH_SECONDS)
        if isinstance(answer, FetchFailed) or answer.code != 200:
            why = answer.reason if isinstance(answer, FetchFailed) else f"HTTP {answer.code}"
            raise receiver.refused(f"{url} cannot be fetched: {why}")
        receiver.learn(url, answer.body)
    return receiver.events(webhook, now)


def each_once(events: Iterable[ProviderEvent]) -> tuple[ProviderEvent, ...]:
    """The events without those that are told twice."""
    return tuple({event.event_id: event for event in reversed(list(events))}.values())[::-1]


def named_by(provider: str, *parts: object) -> str:
    """An id for an event that has none of its own: the same parts, the same id."""
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode("utf-8", "surrogatepass"))
    return f"{provider}:{digest.hexdigest()[:32]}"


def seconds_of(moment: object) -> float | None:
    """The time of an event: seconds since the epoch, or ISO 8601 with its offset; ``None`` where it is neither."""
    if isinstance(moment, int | float) and not isinstance(moment, bool):
        return float(moment) if abs(moment) <= _LATEST else None
    try:
        instant = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.timestamp()


def fresh(signed_at: float, now: datetime, tolerance: float = TOLERANCE) -> bool:
    """Whether a signature is of this time: an old one may be somebody's recording."""
    return abs(now.timestamp() - signed_at) <= tolerance


def same(given: str | bytes, expected: str | bytes) -> bool:
    """Whether two secrets are equal, found out in a time that does not tell where they differ."""
    octets = [one.encode("utf-8", "surrogatepass") if isinstance(one, str) else one for one in (given, expected)]
    return hmac.compare_digest(*octets)


def basic_credentials(user: str, password: Secret | str) -> str:
    """The value of the Authorization field for a user and a password (RFC 7617 §2)."""
    return f"Basic {b64encode(f'{user}:{Secret(password).reveal()}'.encode()).decode()}"


def texts(values: object) -> tuple[str, ...]:
    """Tags as they come: a list, one text, or nothing."""
    if isinstance(values, str):
        return (values,) if values else ()
    return tuple(str(one) for one in values) if isinstance(values, list) else ()


def mapping(values: object) -> Mapping[str, str]:
    """Metadata as it comes."""
    return {str(name): str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def text_or_none(value: object) -> str | None:
    """A text that may be missing or empty."""
    return str(value) if value not in (None, "") else None
