"""A message's body beside what its signatures say of it: ``bh=`` and ``l=`` (RFC 6376 §3.7). For DKIM and for ARC."""

import hashlib

from postroad.mailauth.dkim.canonical import BodyDigest, Canonicalization, body_digest, canonical_body
from postroad.mailauth.dkim.signature import Result, Signature, Unverifiable


class SignedBody:
    """One body. It is hashed once for all signatures that ask for the same, and made canonical once for all lengths."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._digests: dict[tuple[Canonicalization, int | None], BodyDigest] = {}
        self._canonical: dict[Canonicalization, bytes] = {}

    def check(self, signature: Signature) -> int:
        """How many octets of the canonical body are not signed: those behind ``l=``.

        Raises:
            Unverifiable: the body is not the one that was signed.
        """
        digest, octets = self._digest(signature.canon.body, signature.length)
        if signature.length is not None and signature.length > octets:  # §3.5, l=
            raise Unverifiable(Result.FAIL, "the body is shorter than l= says")
        if digest != signature.body_hash:
            raise Unverifiable(Result.FAIL, "the body was changed: its hash is not the signed one (bh=)")
        return 0 if signature.length is None else octets - signature.length

    def _digest(self, how: Canonicalization, length: int | None) -> BodyDigest:
        found = self._digests.get((how, length))
        if found is None:
            found = body_digest(self._body, how) if length is None else self._of_beginning(how, length)
            self._digests[how, length] = found
        return found

    def _of_beginning(self, how: Canonicalization, length: int) -> BodyDigest:
        """Ten signatures may ask for ten lengths: the whole form is kept for them, although it takes memory."""
        if how not in self._canonical:
            self._canonical[how] = canonical_body(self._body, how)
        whole = memoryview(self._canonical[how])
        return BodyDigest(hashlib.sha256(whole[:length]).digest(), len(whole))
