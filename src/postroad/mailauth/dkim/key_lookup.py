"""From the name of a key to records that can be used (RFC 6376 §6.1.2); for DKIM and for ARC."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from postroad.lookup import RecordType, Resolver
from postroad.mailauth.dkim.keys import MIN_RSA_BITS, KeyKind
from postroad.mailauth.dkim.record import KeyRecord, MalformedKeyRecord, read_record
from postroad.mailauth.dkim.signature import Result, Unverifiable

MAX_KEYS: Final = 4  # tried where a name has several records, which RFC 6376 §3.6.2.2 leaves undefined
EMAIL: Final = "email"  # the service of mail in a key record's s= (§3.6.1)


class KeyLookup:
    """The key records of one message's signatures, each name asked about once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._heard: dict[str, list[KeyRecord] | Unverifiable] = {}

    async def records(self, name: str) -> list[KeyRecord]:
        """The records at a name, at least one; revoked ones among them.

        Raises:
            Unverifiable: there is none that can be read, or nobody answered (``TEMPERROR``).
        """
        if name not in self._heard:
            try:
                self._heard[name] = await self._asked(name)
            except Unverifiable as fault:
                self._heard[name] = fault
        heard = self._heard[name]
        if isinstance(heard, Unverifiable):
            raise Unverifiable(heard.result, heard.reason)
        return heard

    async def _asked(self, name: str) -> list[KeyRecord]:
        answer = await self._resolver.lookup(name, RecordType.TXT)
        if answer.status.temporary:
            why = answer.reason or answer.status.value
            raise Unverifiable(Result.TEMPERROR, f"the key could not be asked for: {why}")
        if not answer.texts:
            raise Unverifiable(Result.PERMERROR, f"there is no key at {name}")
        records, faults = [], []
        for text in answer.texts[:MAX_KEYS]:
            try:
                records.append(read_record(text))
            except MalformedKeyRecord as fault:
                faults.append(str(fault))
        if not records:
            raise Unverifiable(Result.PERMERROR, faults[0])
        return records


def check_fitness(record: KeyRecord, kind: KeyKind, service: str = EMAIL) -> None:
    """Whether a key may speak for a signature of this kind over a message of this service.

    Raises:
        Unverifiable: it may not, and why.
    """
    if record.public is None:
        raise Unverifiable(Result.PERMERROR, "the key was revoked (p= is empty)")
    if record.kind is not kind:
        raise Unverifiable(Result.PERMERROR, f"the key is for {record.kind}, and the signature is not")
    if record.hashes is not None and "sha256" not in record.hashes:
        raise Unverifiable(Result.PERMERROR, "the key is not for sha256 (h=)")
    if not record.serves(service):
        raise Unverifiable(Result.PERMERROR, f"the key is not for {service} (s=)")
    if isinstance(record.public, RSAPublicKey) and record.bits < MIN_RSA_BITS:
        reason = f"an RSA key of {record.bits} bits proves nothing; {MIN_RSA_BITS} are needed (RFC 8301 §3.2)"
        raise Unverifiable(Result.POLICY, reason)
