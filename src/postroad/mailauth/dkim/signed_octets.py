"""What a signature is over: the fields it names, and itself without its value (RFC 6376 §3.7, §5.4.2)."""

from collections import defaultdict
from collections.abc import Iterable

from postroad.mailauth.dkim.canonical import Canonicalization, canonical_field, relaxed_field
from postroad.mailauth.header_section import Field


def signed_octets(fields: Iterable[Field], names: Iterable[bytes], own: bytes, how: Canonicalization) -> bytes:
    """The canonical octets in the order of ``names`` (lower case), then the signature field's ``own``, without CRLF.

    Each name takes the lowest field of that name that was not taken yet; a name without a field left adds nothing, and
    so says that there is none. ``fields`` must not hold the signature field itself; the value of its ``b=`` is to be
    empty in ``own`` (``without_signature``).
    """
    left: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for key, raw in fields:
        left[key].append(raw)
    taken = [(name, left[name].pop()) for name in names if left.get(name)]
    octets = [relaxed_field(*one) if how is Canonicalization.RELAXED else one[1] for one in taken]
    octets.append(canonical_field(own if own.endswith(b"\r\n") else own + b"\r\n", how)[:-2])
    return b"".join(octets)
