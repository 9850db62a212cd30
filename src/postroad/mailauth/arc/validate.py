"""Validating a chain (RFC 8617 §5.2). Whatever stands in message or DNS, there is one status and the reason for it."""

from dataclasses import dataclass
from typing import Final

from postroad.lookup import Resolver
from postroad.mailauth.arc.chain import ArcSet, BrokenChain, ChainStatus, Part, read_chain
from postroad.mailauth.arc.signatures import SealedBy, message_signatures, seal_signature, sealed_octets
from postroad.mailauth.dkim.canonical import BodyDigest, Canonicalization, body_digest
from postroad.mailauth.dkim.key_lookup import KeyLookup, check_fitness
from postroad.mailauth.dkim.signature import Result, Signature, Unverifiable
from postroad.mailauth.dkim.signed_octets import signed_octets
from postroad.mailauth.header_section import Signable, read
from postroad.mailauth.tag_list import without_signature

MAX_HEADER_OCTETS: Final = 1_048_576  # of all fields together; fifty sets have 150,000


@dataclass(frozen=True, slots=True)
class ArcResult:
    """The status of a chain, and why.

    ``sealed_by`` names who sealed, the oldest first, as far as the sets could be read; it is proved only where the
    status is ``pass``. ``oldest_pass`` is then the oldest set whose signature still fits the message, 0 if all do: the
    message has not been changed since (RFC 8617 §5.2 step 5). ``temporary``: a key could not be asked for.
    """

    status: ChainStatus
    reason: str
    sealed_by: tuple[SealedBy, ...] = ()
    oldest_pass: int | None = None
    temporary: bool = False

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"cv": self.status.value, "reason": self.reason}


async def validate(content: bytes, resolver: Resolver, *, at: float) -> ArcResult:
    """Validate the chain of a message; ``at`` is in seconds since the epoch. It never raises.

    A key that nobody answers for makes the chain ``fail``: RFC 8617 §5.2.1 says so, because the next forwarder would
    have to seal something, and there is no fourth status. ``temporary`` tells such a failure from the others, for who
    can afford to ask again before anything is concluded.
    """
    message = read(content)
    if sum(len(field.raw) for field in message.fields) > MAX_HEADER_OCTETS:
        return ArcResult(ChainStatus.FAIL, f"a header of more than {MAX_HEADER_OCTETS} octets is not checked")
    try:
        sets = read_chain(message.fields)
    except BrokenChain as fault:
        return ArcResult(ChainStatus.FAIL, str(fault))
    if not sets:
        return ArcResult(ChainStatus.NONE, "the message has no ARC fields")
    return await _Validation(message, sets, KeyLookup(resolver), at).result()


class _Validation:
    """One chain whose structure is right. Bodies are hashed once for all signatures that ask for the same."""

    def __init__(self, message: Signable, sets: tuple[ArcSet, ...], keys: KeyLookup, at: float) -> None:
        self._message = message
        self._sets = sets
        self._keys = keys
        self._at = at
        self._digests: dict[tuple[Canonicalization, int | None], BodyDigest] = {}

    async def result(self) -> ArcResult:
        by = tuple([SealedBy(one.seal_tags.get("d", "")[:253], one.seal_tags.get("s", "")[:253]) for one in self._sets])
        newest = self._sets[-1]
        try:
            await self._check(Part.SIGNATURE, newest)  # step 4
            for one in reversed(self._sets):  # step 6
                await self._check(Part.SEAL, one)
        except _Failed as fault:
            return ArcResult(ChainStatus.FAIL, fault.reason, by, temporary=fault.temporary)
        sets = f"{len(by)} sets, the last" if len(by) > 1 else "one set,"
        return ArcResult(ChainStatus.PASS, f"{sets} sealed by {by[-1].domain}", by, await self._oldest_pass())

    async def _oldest_pass(self) -> int:
        """Step 5, which costs nothing where the chain has failed already."""
        for one in self._sets[-2::-1]:
            try:
                await self._check(Part.SIGNATURE, one)
            except _Failed:
                return one.instance + 1
        return 0

    async def _check(self, part: Part, one: ArcSet) -> None:
        try:
            if part is Part.SEAL:
                seal = seal_signature(one)
                await self._check_key(seal, sealed_octets(self._sets[: one.instance]))
            else:
                await self._check_message(one)
        except Unverifiable as fault:
            temporary = fault.result is Result.TEMPERROR
            raise _Failed(f"{part.title} i={one.instance}: {fault.reason}", temporary=temporary) from fault

    async def _check_message(self, one: ArcSet) -> None:
        first, *others = message_signatures(one)
        try:
            await self._check_reading(one, first)
        except Unverifiable:
            if not others:
                raise
            await self._check_reading(one, others[0])

    async def _check_reading(self, one: ArcSet, signature: Signature) -> None:
        if signature.expires_at is not None and self._at > signature.expires_at:
            raise Unverifiable(Result.POLICY, "the signature has expired (x=)")
        self._check_body(signature)
        others = [field for field in self._message.fields if field is not one.signature]
        own = without_signature(one.signature.raw)
        await self._check_key(signature, signed_octets(others, signature.names, own, signature.canon.header))

    def _check_body(self, signature: Signature) -> None:
        asked = (signature.canon.body, signature.length)
        if asked not in self._digests:
            self._digests[asked] = body_digest(self._message.body, signature.canon.body, length=signature.length)
        digest, octets = self._digests[asked]
        if signature.length is not None and signature.length > octets:  # RFC 6376 §3.5, l=
            raise Unverifiable(Result.FAIL, "the body is shorter than l= says")
        if digest != signature.body_hash:
            raise Unverifiable(Result.FAIL, "the body was changed: its hash is not the signed one (bh=)")

    async def _check_key(self, signature: Signature, octets: bytes) -> None:
        """Whether one of the keys at the signature's name fits; otherwise why the first does not."""
        unfit: Unverifiable | None = None
        for record in await self._keys.records(signature.key_name):
            try:
                check_fitness(record, signature.kind)
            except Unverifiable as fault:
                unfit = unfit or fault
                continue
            if record.verifies(signature.value, octets):
                return
            unfit = unfit or Unverifiable(Result.FAIL, "the signature does not fit the signed fields and the key")
        assert unfit is not None, "there is a record, or the asking has said why not"
        raise unfit


class _Failed(Exception):
    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.temporary = temporary
