"""Signing (RFC 6376 §5): which fields, and the DKIM-Signature field that goes on top of the message.

From is signed once more than it stands there, and so are the other fields that readers see or programs act on: one that
somebody adds breaks the signature (§8.15). No ``l=``: text could be added (§8.2).
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from postroad.errors import ConfigurationError, MessageError
from postroad.mailauth.dkim.canonical import Canon, Canonicalization, body_digest
from postroad.mailauth.dkim.keys import SigningKey
from postroad.mailauth.dkim.signed_octets import signed_octets
from postroad.mailauth.domain_name import domain_name
from postroad.mailauth.header_section import Signable

# Whether or not they are there: nobody may add one.
_SEALED: Final = ("From", "To", "Cc", "Subject", "Reply-To")
# If they are there, and then sealed, too: programs on the way may add what is missing (RFC 6409 §8).
_SEALED_IF_PRESENT: Final = (
    "Date", "Message-ID", "Sender", "In-Reply-To", "References",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    "List-Unsubscribe", "List-Unsubscribe-Post",  # RFC 8058 §4 asks for both
    "Feedback-ID", "CFBL-Address", "CFBL-Feedback-ID",  # RFC 9477 §3.1
)  # fmt: skip
# As often as they are there (§5.4.1); lists and those who resend add their own.
_SIGNED: Final = (
    "Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID",
    "List-Id", "List-Help", "List-Subscribe", "List-Post", "List-Owner", "List-Archive", "Auto-Submitted",
)  # fmt: skip
_PLAN: Final = (
    *((name.lower().encode(), name, 1, 1) for name in _SEALED),
    *((name.lower().encode(), name, 0, 1) for name in _SEALED_IF_PRESENT),
    *((name.lower().encode(), name, 0, 0) for name in _SIGNED),
)  # key, name, how often where it is absent, how often more than it is there
MAX_VALID_FOR: Final = 100 * 366 * 86_400  # seconds; x= has twelve digits (RFC 6376 §3.5)
_REMEMBERED_FIELDS: Final = 100  # of a message whose choice of fields is kept for the next like it
_LINE: Final = 76  # characters of a folded line
# RFC 6376 §3.1: labels as in a host name; RFC 8552 names have underscores, and some selectors do.
_SELECTOR: Final = re.compile(r"(?i)[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*")


RELAXED_RELAXED: Final = Canon()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for ``domain`` with the key that is published under ``selector``.

    ``valid_for`` is in seconds after the time of signing (``x=``); it must outlast every try to deliver.

    Raises:
        ConfigurationError: domain or selector are no names, or it would be valid for no time, or for a century.
    """

    domain: str
    selector: str
    key: SigningKey
    canon: Canon = RELAXED_RELAXED
    valid_for: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", checked_names(self.domain, self.selector)[0])
        if self.valid_for is not None and not 0 < self.valid_for <= MAX_VALID_FOR:
            sentence = f"valid_for: more than 0 seconds, and {MAX_VALID_FOR} at the most"
            raise ConfigurationError(sentence, setting="valid_for")


def checked_names(domain: str, selector: str) -> tuple[str, str]:
    """The domain in A-labels, and the selector, if a key can be published there.

    Raises:
        ConfigurationError: one of them is no name.
    """
    name = domain_name(domain)
    if name is None:
        raise ConfigurationError(f"domain: {domain!a:.80} is no domain name", setting="domain")
    if not _SELECTOR.fullmatch(selector) or domain_name(f"{selector}._domainkey.{name}") is None:
        sentence = f"selector: {selector!a:.80} is no selector; it is a label such as s2026"
        raise ConfigurationError(sentence, setting="selector")
    return name, selector


def sign(message: Signable, signers: Iterable[Signer], *, at: float) -> bytes:
    """A signature field for each signer, in their order, ready to be put before the message; ``at`` is in seconds since
    the epoch (``t=``).

    Raises:
        MessageError: there is not exactly one From (RFC 6376 §5.4, RFC 5322 §3.6).
    """
    present = tuple([field.key for field in message.fields])
    choice = _chosen(present) if len(present) <= _REMEMBERED_FIELDS else _chosen.__wrapped__(present)
    hashes: dict[Canonicalization, str] = {}
    return b"".join([_signature_field(message, signer, choice, at, hashes) for signer in signers])


class _Choice(NamedTuple):
    """What is signed: the keys in their order, and the same as ``h=`` says it."""

    keys: tuple[bytes, ...]
    tag: str


@lru_cache(maxsize=256)  # most mail of one sender has the same fields in the same order
def _chosen(present: tuple[bytes, ...]) -> _Choice:
    counts = Counter(present)
    if counts[b"from"] != 1:
        raise MessageError(
            f"from: a message that is signed has one From field, and this has {counts[b'from']}", field="from",
            advice="Give the message one From field; RFC 5322 §3.6 and every large provider want exactly that.",
        )  # fmt: skip
    times = [(key, name, counts[key] + more if counts[key] else absent) for key, name, absent, more in _PLAN]
    keys = tuple([key for key, _, count in times for _ in range(count)])
    return _Choice(keys, _folded_names([name for _, name, count in times for _ in range(count)]))


def _signature_field(
    message: Signable,
    signer: Signer,
    choice: _Choice,
    at: float,
    hashes: dict[Canonicalization, str],
) -> bytes:
    canon = signer.canon
    if canon.body not in hashes:
        hashes[canon.body] = b64encode(body_digest(message.body, canon.body).digest).decode("ascii")
    own = _unsigned(signer, choice.tag, int(at), hashes[canon.body])
    signature = signer.key.sign(signed_octets(message.fields, choice.keys, own, canon.header))
    return own + _folded_value(b64encode(signature)) + b"\r\n"


def _unsigned(signer: Signer, names: str, at: int, body_hash: str) -> bytes:
    """The field up to the value of ``b=``."""
    expires = "" if signer.valid_for is None else f" x={at + signer.valid_for};"
    text = (
        f"DKIM-Signature: v=1; a={signer.key.algorithm}; c={signer.canon};\r\n"
        f" d={signer.domain}; s={signer.selector}; t={at};{expires}\r\n"
        f" {names};\r\n"
        f" bh={body_hash};\r\n"
        f" b="
    )
    return text.encode("ascii")


def _folded_names(names: list[str]) -> str:
    lines, line = [], "h="
    for place, name in enumerate(names):
        word = name if place == len(names) - 1 else name + ":"
        if len(line) + len(word) > _LINE:
            lines.append(line)
            line = "  "
        line += word
    return "\r\n ".join((*lines, line))


def _folded_value(value: bytes) -> bytes:
    first, width = _LINE - len("  b="), _LINE - 2
    lines = [value[:first], *(value[start : start + width] for start in range(first, len(value), width))]
    return b"\r\n  ".join(lines)
