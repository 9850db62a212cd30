"""Validating a chain (RFC 8617 §5.2). Whatever stands in message or DNS, there is one status and the reason for it."""

from dataclasses import dataclass

from postroad.lookup import Resolver
from postroad.mailauth.arc.chain import ArcSet, BrokenChain, ChainStatus, Part, read_chain
from postroad.mailauth.arc.signatures import SealedBy, message_signatures, seal_signature, sealed_octets
from postroad.mailauth.dkim.key_lookup import KeyLookup, check_fitness
from postroad.mailauth.dkim.signature import Result, Signature, Unverifiable
from postroad.mailauth.dkim.signed_body import SignedBody
from postroad.mailauth.dkim.signed_octets import signed_octets
from postroad.mailauth.header_section import Signable, received
from postroad.mailauth.tag_list import without_signature
from postroad.message import limits


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


async def validate(content: bytes | Signable, resolver: Resolver, *, at: float) -> ArcResult:
    """Validate the chain of a message; ``at`` is in seconds since the epoch. It never raises.

    ``content`` is a message, or what ``received`` has read of it.

    A key that nobody answers for makes the chain ``fail``: RFC 8617 §5.2.1 says so, because the next forwarder would
    have to seal something, and there is no fourth status. ``temporary`` tells such a failure from the others, for who
    can afford to ask again before anything is concluded.
    """
    message = content if isinstance(content, Signable) else received(content)
    if message.cut:
        most = f"{limits.MAX_HEADER_OCTETS} octets or {limits.MAX_FIELDS} fields"
        return ArcResult(ChainStatus.FAIL, f"a header of more than {most} is not checked")
    try:
        sets = read_chain(message.fields)
    except BrokenChain as fault:
        return ArcResult(ChainStatus.FAIL, str(fault))
    if not sets:
        return ArcResult(ChainStatus.NONE, "the message has no ARC fields")
    return await _Validation(message, sets, KeyLookup(resolver), at).result()


class _Validation:
    """One chain whose structure is right."""

    def __init__(self, message: Signable, sets: tuple[ArcSet, ...], keys: KeyLookup, at: float) -> None:
        self._message = message
        self._sets = sets
        self._keys = keys
        self._at = at
        self._body = SignedBody(message.body)

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
        others = [field for field in self._message.fields if field is not one.signature]
        own = without_signature(one.signature.raw)
        await self._check_key(signature, signed_octets(others, signature.names, own, signature.canon.header))
        self._body.check(signature)  # last: it may be large

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
