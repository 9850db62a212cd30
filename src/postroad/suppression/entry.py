"""One entry of the suppression list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from postroad.address import Address
from postroad.errors import MessageError
from postroad.suppression.reasons import Reason, read_reason

MAX_REMARK: Final = 500  # characters of a source or a note; ours, so that the list stays a list


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that gets no mail: none at all, or with a ``stream`` none of that.

    ``source`` is what told so, such as the event of a bounce, ``note`` what somebody wants to remember. Times are
    aware; ``expires_at`` None means for ever, ``created_at`` None that it is new.

    Raises:
        AddressError: ``address`` is none.
        MessageError: the reason is unknown, a time has no time zone, a remark is too long or holds control characters.
    """

    address: str
    reason: Reason = Reason.MANUAL
    stream: str | None = None
    source: str | None = None
    note: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "address", Address.parse(self.address).addr_spec)
        put(self, "reason", read_reason(self.reason))
        for name in ("source", "note"):
            _check_remark(getattr(self, name), name)
        for name in ("created_at", "expires_at"):
            moment = getattr(self, name)
            if moment is not None and moment.utcoffset() is None:
                raise MessageError(f"{name}: {moment.isoformat()} has no time zone", field=name)

    @property
    def key(self) -> str:
        """What all spellings of the mailbox share."""
        return Address(self.address).key

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON types."""
        return {
            "address": self.address, "stream": self.stream, "reason": str(self.reason), "source": self.source,
            "note": self.note, "created_at": _text(self.created_at), "expires_at": _text(self.expires_at),
        }  # fmt: skip


def _check_remark(text: object, name: str) -> None:
    if text is None:
        return
    if not isinstance(text, str) or len(text) > MAX_REMARK or not text.isprintable():
        raise MessageError(f"{name}: at most {MAX_REMARK} printable characters, not {text!r:.80}", field=name)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
