"""Who signs a message (DKIM): the keys of its From's domain, read once, whatever they were given as."""

import logging
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from postroad.clock import Clock
from postroad.errors import AddressError, ConfigurationError, MessageError
from postroad.mailauth.dkim.canonical import Canon
from postroad.mailauth.dkim.keys import SigningKey, read_key
from postroad.mailauth.dkim.sign import Signer, sign
from postroad.mailauth.domain_name import domain_name, is_within
from postroad.mailauth.header_section import Signable, read, read_lines
from postroad.mailer.dkim import Dkim, Unaligned
from postroad.mailer.key_folder import KeyFolder
from postroad.message.address_list import address_list
from postroad.message.envelope import MailObject, UndottedLines, WireLines
from postroad.secret import Secret

_log = logging.getLogger("postroad.mailer")

_SEED: Final = re.compile(r"[A-Za-z0-9+/]{43}=\s*")
LOOK_EVERY: Final = 60.0  # seconds between looks at a folder of keys, which change once a day at the most
_LARGE: Final = 100_000_000  # octets; no file of that size is a key


class Signing:
    """The keys of one mailer or worker. Thread-safe.

    Raises:
        ConfigurationError: a domain, a selector or a key is wrong, or none is given.
    """

    def __init__(self, keys: Dkim | Iterable[Dkim]) -> None:
        given = (keys,) if isinstance(keys, Dkim) else tuple(keys)
        if not given or not all(isinstance(one, Dkim) for one in given):
            raise ConfigurationError("dkim: give a Dkim(domain, selector, key), or several", setting="dkim")
        self._keys = tuple([_Kept(one) for one in given])

    def signed(self, mail: MailObject, *, at: float) -> MailObject:
        """The same message with the signatures that its From calls for; ``at`` is in seconds since the epoch.

        Raises:
            MessageError: From is not signed for, and that is to be refused; or there is not exactly one From.
            ConfigurationError: a key by reference cannot be read (``SecretUnavailable``: not now).
        """
        message = read_lines(mail.content) if isinstance(mail.content, WireLines) else read(mail.content)
        signers = self._signers(message)
        if not signers:
            return mail
        return replace(mail, content=_on_top(sign(message, signers, at=at), mail.content))

    def _signers(self, message: Signable) -> list[Signer]:
        senders = message.named(b"from")
        domain = _domain_of(senders[0].value) if senders else None
        within = [one for one in self._keys if domain is not None and is_within(domain, one.domain)]
        if within:  # the nearest domain's
            nearest = max(len(one.domain) for one in within)
            return [one.signer() for one in within if len(one.domain) == nearest]
        if any(one.unaligned is Unaligned.REFUSE for one in self._keys):
            raise MessageError(
                f"from: no DKIM key signs for {domain or 'this sender'}", field="from",
                advice="Send from a domain that has a key, or give one for this domain: Dkim(domain=…).",
            )  # fmt: skip
        return [one.signer() for one in self._keys if one.unaligned is Unaligned.SIGN]


class _Kept:
    """A key with its settings, read once."""

    def __init__(self, given: Dkim) -> None:
        self.unaligned = given.unaligned
        self._given = given
        self._lock = threading.Lock()
        self._signer: Signer | None = None
        name = domain_name(str(given.domain))
        if name is None:
            raise ConfigurationError(f"dkim: {given.domain!a:.80} is no domain name", setting="domain")
        self.domain = name
        if not (isinstance(given.key, Secret) and given.key.reference is not None):
            self.signer()

    def signer(self) -> Signer:
        with self._lock:
            if self._signer is None:
                self._signer = _signer(self._given)
            return self._signer


def _signer(given: Dkim) -> Signer:
    try:
        canon = Canon.read(given.canon)
    except ValueError:
        sentence = f"dkim: canon is relaxed/relaxed or its like, not {given.canon!a:.80}"
        raise ConfigurationError(sentence, setting="canon") from None
    seconds = None if given.valid_for is None else int(given.valid_for.total_seconds())
    return Signer(given.domain, given.selector, _key(given), canon, seconds)


def _key(given: Dkim) -> SigningKey:
    key = given.key
    if isinstance(key, SigningKey):
        return key
    if isinstance(key, Secret):
        return read_key(key.reveal())
    if isinstance(key, str) and "-----BEGIN" in key:
        return read_key(key)
    if isinstance(key, str | os.PathLike):
        return read_key(_content_of(os.fspath(key)))
    raise ConfigurationError(f"key: a file, a Secret or a SigningKey, not {type(key).__name__}", setting="key")


def _content_of(path: str) -> bytes:
    if _SEED.fullmatch(path):  # a seed, not a file: it must not be shown
        raise ConfigurationError("key: a key itself is given as Secret(…); a str names its file", setting="key")
    try:
        with Path(path).open("rb") as file:
            return file.read(_LARGE)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise ConfigurationError(f"key: cannot read {path!a:.200}: {reason}", setting="key") from fault


@lru_cache(maxsize=1024)
def _domain_of(value: bytes) -> str | None:
    """The domain of the first mailbox in a From field; ``None`` where there is none."""
    try:
        mailboxes = address_list(value.decode("utf-8", "surrogateescape"), "from")
    except AddressError:
        return None
    return domain_name(mailboxes[0].addr_spec.rpartition("@")[2]) if mailboxes else None


def _on_top(fields: bytes, content: bytes) -> bytes:
    """Fields before a content; what was known of its lines still holds, and no line of the fields begins with a dot."""
    kind = type(content) if isinstance(content, WireLines) else bytes
    return UndottedLines(fields + content) if kind is UndottedLines else kind(fields + content)


class FolderSigning:
    """Signs with the keys of a folder that are active, also when that changes. Thread-safe.

    Raises:
        ConfigurationError: none is active, or a file cannot be read.
    """

    def __init__(self, folder: KeyFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp = folder.stamp()
        self._signing = Signing(folder.signing())
        self._looked_at = clock.monotonic()

    def signed(self, mail: MailObject, *, at: float) -> MailObject:
        """As ``Signing.signed``."""
        with self._lock:
            if self._clock.monotonic() - self._looked_at >= LOOK_EVERY:
                self._look()
            signing = self._signing
        return signing.signed(mail, at=at)

    def _look(self) -> None:
        self._looked_at = self._clock.monotonic()
        stamp = self._folder.stamp()
        if stamp == self._stamp:
            return
        try:
            self._signing = Signing(self._folder.signing())
            self._stamp = stamp
        except ConfigurationError as fault:
            _log.error("the keys that signed until now go on signing: %s", fault)
