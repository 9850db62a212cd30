"""A message as a program on this machine hands it over, and what is done so that it can go out.

A mail submission agent completes what users' programs leave out (RFC 6409 §8): Date, Message-ID, From, domains. The
rest stays octet by octet, unless its header holds raw UTF-8, as that of ``mail()`` in PHP may: whoever writes it does
not mean to ask for SMTPUTF8, and any server on the way that lacks it would return the message.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from postroad.address import Address
from postroad.errors import Unsupported
from postroad.message import date_time, headers
from postroad.message.address_list import address_list, qualified
from postroad.message.downgrade import without_utf8_headers
from postroad.message.envelope import MailObject
from postroad.message.header_fields import Field, read_header
from postroad.message.raw import RawMessage

if TYPE_CHECKING:
    from datetime import datetime

_ADDRESS_FIELDS: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
# RFC 5321 §4.4: no message is submitted with a Return-Path. A length that was counted for a mailbox is wrong by now.
_DROPPED: Final = frozenset({"return-path", "content-length"})


@dataclass(frozen=True, slots=True)
class Submission:
    """A message's fields in their order (names in lower case), and its body. Line ends are LF."""

    fields: tuple[Field, ...]
    body: bytes

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Take a message apart as it comes from a pipe.

        A leading ``From `` line of an mbox is dropped. NUL, which no server takes, is taken out, and a CR that ends no
        line, as progress bars write it, becomes a space: a job's output must not be lost for it.
        """
        octets = raw.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\0", b"")
        fields, rest = read_header(octets)
        return cls(fields, rest.removeprefix(b"\n"))

    @property
    def prefix(self) -> str:
        """``resent-`` where the message is sent on, and only those fields speak of this sending (RFC 5322 §3.6.6)."""
        return "resent-" if any(field.name.startswith("resent-") for field in self.fields) else ""

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return any(field.name == name for field in self.fields)

    def recipients(self, domain: str) -> tuple[Address, ...]:
        """Who stands in To, Cc and Bcc; who has no domain belongs to ``domain``.

        Raises:
            AddressError: naming the field and what is no mailbox.
        """
        names = {f"{self.prefix}{name}" for name in ("to", "cc", "bcc")}
        found = [
            address_list(qualified(field.value, domain), field.name) for field in self.fields if field.name in names
        ]
        return tuple(address for addresses in found for address in addresses)

    def completed(
        self, *, author: Address, domain: str, date: "datetime", new_message_id: Callable[[Address], str]
    ) -> bytes:
        """The message with what RFC 5322 §3.6 wants and it lacks: From, Date, Message-ID, and domains."""
        prefix = self.prefix.capitalize()
        made: dict[str, Callable[[], str]] = {
            f"{prefix}From": lambda: headers.mailboxes(f"{prefix}From", (author,)),
            f"{prefix}Date": lambda: f"{prefix}Date: {date_time.rendered(date)}\r\n",
            f"{prefix}Message-ID": lambda: f"{prefix}Message-ID: {new_message_id(author)}\r\n",
        }
        added = [make().replace("\r\n", "\n").encode() for name, make in made.items() if not self.has(name.lower())]
        return b"".join((*self._kept(domain), *added, b"\n", self.body))

    def _kept(self, domain: str) -> Iterable[bytes]:
        for field in self.fields:
            if field.name in _DROPPED:
                continue
            octets = field.octets
            if _is_addresses(field) and (value := qualified(field.value, domain)) != field.value:
                octets = octets.partition(b":")[0] + b":" + value.encode("utf-8", "surrogateescape")
            yield octets if octets.endswith(b"\n") else octets + b"\n"


def with_ascii_header(message: RawMessage) -> RawMessage:
    """The message with its headers in ASCII (RFC 2047, RFC 2231, RFC 5891), where that is possible.

    It stays as it is where an address needs UTF-8, or a signature would break; then only SMTPUTF8 carries it.
    """
    if not message.smtputf8:
        return message
    try:
        mail = without_utf8_headers(MailObject(message.envelope, message.content, smtputf8=True))
    except Unsupported:
        return message
    return RawMessage(
        mail.content,
        envelope_from=message.envelope_from,
        recipients=message.recipients,
        dsn=message.dsn,
        require_tls=message.require_tls,
    )


def _is_addresses(field: Field) -> bool:
    return field.name.removeprefix("resent-") in _ADDRESS_FIELDS
