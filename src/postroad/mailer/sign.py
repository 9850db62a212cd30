"""Who signs a message (DKIM): the keys of its From's domain, read once, whatever they were given as."""

import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from postroad.clock import Clock
from postroad.errors import ConfigurationError, MessageError
from postroad.log import logger
from postroad.mailauth.author_domains import author_domains_of
from postroad.mailauth.dkim.canonical import Canon
from postroad.mailauth.dkim.keys import SigningKey, read_key
from postroad.mailauth.dkim.sign import Signer, sign
from postroad.mailauth.domain_name import domain_name, is_within
from postroad.mailauth.header_section import Signable, read, read_lines
from postroad.mailer.dkim import Dkim, Unaligned
from postroad.mailer.key_file import key_in_file
from postroad.mailer.key_folder import KeyFolder
from postroad.message.envelope import MailObject, UndottedLines, WireLines
from postroad.secret import Secret

_log = logger("mailer")

LOOK_EVERY: Final = 60.0  # seconds between looks at a folder of keys, which change once a day at the most


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
        domains = _domains_of(senders[0].value) if senders else ()
        nearest = [_nearest(domain, self._keys) for domain in domains]
        unsigned = [domain for domain, keys in zip(domains, nearest, strict=True) if not keys]
        if (unsigned or not domains) and any(one.unaligned is Unaligned.REFUSE for one in self._keys):
            raise MessageError(
                f"from: no DKIM key signs for {unsigned[0] if unsigned else 'this sender'}", field="from",
                advice="Send from a domain that has a key, or give one for this domain: Dkim(domain=…).",
            )  # fmt: skip
        if unsigned:
            _log.debug("no DKIM key signs for %s", unsigned[0])
        signing = {one for keys in nearest for one in keys}
        return [
            one.signer() for one in self._keys if one in signing or (not signing and one.unaligned is Unaligned.SIGN)
        ]


def _nearest(domain: str, keys: "tuple[_Kept, ...]") -> "list[_Kept]":
    """Those of the domain itself, or of the nearest one above it."""
    within = [one for one in keys if is_within(domain, one.domain)]
    longest = max((len(one.domain) for one in within), default=0)
    return [one for one in within if len(one.domain) == longest]


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
        return key_in_file(key)
    raise ConfigurationError(f"key: a file, a Secret or a SigningKey, not {type(key).__name__}", setting="key")


@lru_cache(maxsize=1024)
def _domains_of(value: bytes) -> tuple[str, ...]:
    """Those of all authors in a From field: DMARC wants a signature for each."""
    return author_domains_of([value.decode("utf-8", "surrogateescape")]).domains


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
        self._keys = folder.signing()
        self._signing: Signing | None = Signing(self._keys)
        self._looked_at = clock.monotonic()

    def signed(self, mail: MailObject, *, at: float) -> MailObject:
        """As ``Signing.signed``."""
        with self._lock:
            if self._clock.monotonic() - self._looked_at >= LOOK_EVERY:
                self._look()
            signing = self._signing
        return mail if signing is None else signing.signed(mail, at=at)

    def _look(self) -> None:
        self._looked_at = self._clock.monotonic()
        stamp = self._folder.stamp()
        if stamp == self._stamp:
            return
        try:
            keys = self._folder.signing()
            self._signing = Signing(keys)
        except ConfigurationError as fault:
            self._go_on(fault)
        else:
            self._stamp, self._keys = stamp, keys

    def _go_on(self, fault: ConfigurationError) -> None:
        """With the keys that there were, less those that are known to be revoked: others may have them."""
        keys = tuple([key for key in self._keys if not self._folder.is_revoked(key.domain, key.selector)])
        if len(keys) < len(self._keys):
            self._keys, self._signing = keys, Signing(keys) if keys else None
        what = "the keys that signed until now go on signing" if keys else "mail goes unsigned"
        _log.error("%s: %s", what, fault)
