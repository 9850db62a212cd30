"""``Dkim``: by which key mail of a domain is signed, as users say it."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, Union

from postroad.errors import ConfigurationError
from postroad.secret import FORMS, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad.mailauth.dkim.keys import SigningKey
    from postroad.mailer.key_folder import KeyFolder

Key: TypeAlias = Union["str | os.PathLike[str]", Secret, "SigningKey"]
"""A file (or the PEM itself), a secret that holds PEM or an Ed25519 seed, or a key that was read before."""

DkimKeys: TypeAlias = Union["Dkim", "Iterable[Dkim]", "KeyFolder"]
"""One or several; for one domain two keys sign, each in its own field. Or a folder, whose active keys sign."""


class Unaligned(Enum):
    """What becomes of a message whose From belongs to none of the domains that there are keys for."""

    LEAVE = "leave"  # it goes unsigned; whoever carries it may sign
    SIGN = "sign"  # it is signed by this key all the same, which helps no DMARC of the sender's
    REFUSE = "refuse"  # MessageError; nothing goes out that would fail DMARC


@dataclass(frozen=True, slots=True)
class Dkim:
    """A key that signs mail from ``domain`` and from its subdomains (RFC 6376).

    ``selector`` is where its record stands: ``selector._domainkey.domain``. ``canon`` is how much may change on the
    way. ``valid_for`` ends a signature so long after the message was accepted for sending; it has to outlast every try.
    A file is read when a mailer or worker is made, a reference when the first message is signed; then it is kept.
    """

    domain: str
    selector: str
    key: Key = field(repr=False)  # it may be the PEM itself
    canon: str = "relaxed/relaxed"
    valid_for: timedelta | None = None
    unaligned: Unaligned = Unaligned.LEAVE

    @classmethod
    def parse(cls, text: str) -> "tuple[Dkim, ...]":
        """Keys as a flag or a variable names them: ``domain:selector:key``, several with white space between them.

        The key is a file, or a reference such as ``env:NAME`` or ``vault:path#key``.

        Raises:
            ConfigurationError: it is not written like that; nothing of it is shown.
        """
        return tuple([_parsed(word) for word in text.split()])


def _parsed(word: str) -> Dkim:
    domain, _, rest = word.partition(":")
    selector, _, key = rest.partition(":")
    if not (domain and selector and key) or "-----" in word:
        raise ConfigurationError(
            "dkim: a key is written domain:selector:key", setting="dkim",
            advice="For example acme.example:s2026:/etc/postroad/s2026.pem; the key is a file or a reference.",
        )  # fmt: skip
    scheme = key.partition(":")[0]
    return Dkim(domain, selector, Secret.ref(key) if scheme in FORMS and scheme != key else key)
