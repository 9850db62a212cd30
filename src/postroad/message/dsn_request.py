"""What the sender wants to be told about the delivery: delivery status notifications (RFC 3461)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from postroad.address import Address
from postroad.errors import MessageError

MAX_ENVID: Final = 100  # characters before encoding, RFC 3461 §4.4
_PRINTABLE: Final = re.compile(r"[!-~]+(?: +[!-~]+)*")


class Notify(Enum):
    """When a notification is wanted (RFC 3461 §4.1)."""

    NEVER = "never"
    SUCCESS = "success"
    FAILURE = "failure"
    DELAY = "delay"


class Returned(Enum):
    """How much of the message comes back with a notification of failure (RFC 3461 §4.3)."""

    FULL = "full"
    HEADERS = "headers"


Wanted = str | Notify | Iterable[str | Notify]


@dataclass(frozen=True, slots=True, init=False)
class Dsn:
    """A request for delivery status notifications. What is left out is the server's choice.

    ``notify`` is ``"never"``, or one or several of ``"success"``, ``"failure"``, ``"delay"`` (a text may join them by
    commas), for all recipients; or a mapping from address to that. ``ret`` is ``"full"`` or ``"headers"``. ``envid``
    names the sending, and comes back in every notification: up to 100 printable ASCII characters.

    A server without DSN makes the message ``Unsupported``: the request is never dropped in silence.

    Raises:
        MessageError: with the argument's name in ``field``.
    """

    notify: tuple[Notify, ...]
    notify_each: tuple[tuple[str, tuple[Notify, ...]], ...]  # by ``Address.key``
    ret: Returned | None
    envid: str | None

    def __init__(
        self,
        notify: Wanted | Mapping[str | Address, Wanted] = (),
        *,
        ret: str | Returned | None = None,
        envid: str | None = None,
    ) -> None:
        put = object.__setattr__
        each = notify if isinstance(notify, Mapping) else {}
        put(self, "notify", () if isinstance(notify, Mapping) else _wanted(notify))
        pairs = {Address.parse(address).key: _wanted(wanted) for address, wanted in each.items()}
        put(self, "notify_each", tuple(sorted(pairs.items())))
        put(self, "ret", None if ret is None else _returned(ret))
        put(self, "envid", None if envid is None else _checked_envid(envid))

    @classmethod
    def read(cls, value: "Dsn | Wanted | Mapping[str | Address, Wanted] | None") -> "Dsn | None":
        """A request as it is, or from what ``notify`` takes; an empty one is none."""
        if value is None or isinstance(value, Dsn):
            return value
        made = cls(value)
        return made if made.notify or made.notify_each else None

    def wanted_for(self, recipient: Address) -> tuple[Notify, ...]:
        """When this recipient's fate is to be reported; empty where the server may choose."""
        if not self.notify_each:
            return self.notify
        return dict(self.notify_each).get(recipient.key, self.notify)


def _wanted(value: object) -> tuple[Notify, ...]:
    if isinstance(value, Notify):
        return (value,)
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, Iterable):
        raise MessageError(f"notify: a text or a list is needed, not {type(value).__name__}", field="notify")
    wanted = tuple(dict.fromkeys(_one(item) for item in value))
    if Notify.NEVER in wanted and len(wanted) > 1:  # RFC 3461 §4.1
        raise MessageError("notify: never goes with nothing else", field="notify")
    return wanted


def _one(item: object) -> Notify:
    if isinstance(item, Notify):
        return item
    try:
        return Notify(str(item).strip().lower())
    except ValueError:
        known = ", ".join(one.value for one in Notify)
        raise MessageError(f"notify: {item!a} is none of {known}", field="notify") from None


def _returned(value: object) -> Returned:
    if isinstance(value, Returned):
        return value
    word = str(value).strip().lower()
    if word == "hdrs":  # the word of the wire
        return Returned.HEADERS
    try:
        return Returned(word)
    except ValueError:
        raise MessageError(f"ret: {value!a} is neither full nor headers", field="ret") from None


def _checked_envid(value: object) -> str:
    if not isinstance(value, str) or not _PRINTABLE.fullmatch(value) or len(value) > MAX_ENVID:
        raise MessageError(
            f"envid: {ascii(value)[:120]} is not up to {MAX_ENVID} printable ASCII characters", field="envid"
        )
    return value
