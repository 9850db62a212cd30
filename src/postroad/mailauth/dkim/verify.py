"""Checking the signatures of a message (RFC 6376 §6). Whatever stands in message or DNS, each one gets a verdict."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postroad.lookup import Resolver
from postroad.mailauth.dkim.key_lookup import EMAIL, KeyLookup, check_fitness
from postroad.mailauth.dkim.record import KeyRecord
from postroad.mailauth.dkim.signature import Result, Signature, Unverifiable, read_signature, tags_of
from postroad.mailauth.dkim.signed_body import SignedBody
from postroad.mailauth.dkim.signed_octets import signed_octets
from postroad.mailauth.domain_name import domain_name
from postroad.mailauth.header_section import Field, Signable, received
from postroad.mailauth.tag_list import without_signature, without_white_space
from postroad.message import limits

_BEGINNING: Final = 64  # characters of b= that are kept, to tell signatures apart (RFC 6008)
MAX_SIGNATURES: Final = 10  # checked, from the top; mail that went through three forwarders has five
_BEHIND_LENGTH: Final = "the body goes on behind the signed length (l=), and what stands there is anybody's"  # §8.2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one signature is worth. ``domain``, ``selector`` and ``algorithm`` are what it claims, ``None`` where it
    cannot be read; ``reason`` says why it does not pass, or what is to be known if it does.

    ``testing``: the domain asks not to go by the result (``t=y``). ``length`` is ``l=``: what follows in the body is
    anybody's. ``names`` are the signed fields, in lower case; ``value`` is the beginning of ``b=``.
    """

    domain: str | None
    selector: str | None
    algorithm: str | None
    result: Result
    reason: str = ""
    identity: str | None = None
    testing: bool = False
    bits: int = 0
    length: int | None = None
    names: tuple[bytes, ...] = ()
    value: str = ""

    @property
    def passed(self) -> bool:
        return self.result is Result.PASS

    def as_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return {
            "domain": self.domain,
            "selector": self.selector,
            "algorithm": self.algorithm,
            "result": self.result.value,
            "reason": self.reason,
        }


async def verify(
    content: bytes | Signable, resolver: Resolver, *, at: float, service: str = EMAIL
) -> tuple[Verdict, ...]:
    """A verdict for each DKIM-Signature, top first, for ten at the most; ``at`` is in seconds since the epoch.

    ``content`` is a message, or what ``received`` has read of it. ``service`` is what the message is used for; reports
    on TLS are signed for ``tlsrpt`` (RFC 8460 §3). No signature of a header with more than a megabyte or ten thousand
    fields passes.
    """
    message = content if isinstance(content, Signable) else received(content)
    fields = message.named(b"dkim-signature")[:MAX_SIGNATURES]
    if message.cut:
        return tuple(map(_of_long_header, fields)) or (Verdict(None, None, None, Result.POLICY, _LONG_HEADER),)
    checking = _Checking(message, resolver, at, service)
    return tuple([await checking.verdict(field) for field in fields])


_LONG_HEADER: Final = (
    f"a header of more than {limits.MAX_HEADER_OCTETS} octets or {limits.MAX_FIELDS} fields is not checked"
)


def _of_long_header(field: Field) -> Verdict:
    try:
        return _unchecked(tags_of(field), Unverifiable(Result.POLICY, _LONG_HEADER))
    except Unverifiable as fault:
        return _unchecked({}, fault)


def _unchecked(claimed: Mapping[str, str], fault: Unverifiable) -> Verdict:
    domain, selector, algorithm = [_claim(claimed.get(tag)) for tag in ("d", "s", "a")]
    value = without_white_space(claimed.get("b", ""))[:_BEGINNING]
    name = domain_name(domain or "") or domain
    return Verdict(name, selector, algorithm, fault.result, fault.reason, value=value)


class _Checking:
    """One message."""

    def __init__(self, message: Signable, resolver: Resolver, at: float, service: str) -> None:
        self._message = message
        self._keys = KeyLookup(resolver)
        self._at = at
        self._service = service
        self._body = SignedBody(message.body)

    async def verdict(self, field: Field) -> Verdict:
        claimed: dict[str, str] = {}
        try:
            claimed.update(tags_of(field))
            signature = read_signature(claimed)
            return await self._checked(field, signature, claimed["a"])
        except Unverifiable as fault:
            return _unchecked(claimed, fault)

    async def _checked(self, field: Field, signature: Signature, algorithm: str) -> Verdict:
        """The verdict by the first key that fits, or by the first of those that do not."""
        if signature.expires_at is not None and self._at > signature.expires_at:
            raise Unverifiable(Result.POLICY, "the signature has expired (x=)")
        first: Verdict | None = None
        for record in await self._keys.records(signature.key_name):
            verdict = self._by_key(field, signature, algorithm, record)
            if verdict.passed:
                return verdict
            first = first or verdict
        assert first is not None, "there is a record, or the asking has said why not"
        return first

    def _by_key(self, field: Field, signature: Signature, algorithm: str, record: KeyRecord) -> Verdict:
        result, reason = Result.PASS, ""
        try:
            check_fitness(record, signature.kind, self._service)
            if record.strict and signature.identity_domain != signature.domain:
                raise Unverifiable(Result.PERMERROR, "the key is not for subdomains in i= (t=s)")
            self._check_header(field, signature, record)  # before the body, which may be large
            reason = _BEHIND_LENGTH if self._body.check(signature) else ""
        except Unverifiable as fault:
            result, reason = fault.result, fault.reason
        if record.testing:
            reason = f"{reason}; the domain is testing (t=y)".removeprefix("; ")
        return Verdict(
            signature.domain, signature.selector, algorithm, result, reason, signature.identity,
            record.testing, record.bits, signature.length, signature.names,
            b64encode(signature.value).decode("ascii")[:_BEGINNING],
        )  # fmt: skip

    def _check_header(self, field: Field, signature: Signature, record: KeyRecord) -> None:
        others = [one for one in self._message.fields if one is not field]
        own = without_signature(field.raw)
        if not record.verifies(signature.value, signed_octets(others, signature.names, own, signature.canon.header)):
            raise Unverifiable(Result.FAIL, "the signature does not fit the signed fields and the key")
        senders = len(self._message.senders())
        if senders != 1:
            # §8.15 leaves it to the verifier; which From would a reader be shown, and which was signed?
            result = Result.FAIL if senders else Result.PERMERROR
            raise Unverifiable(result, f"the message has {senders or 'no'} From fields")


def _claim(value: str | None) -> str | None:
    return value[:253] if value else None
