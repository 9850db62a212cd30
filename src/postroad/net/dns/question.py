"""Names as they can be asked about: one spelling for each, and none for what the DNS cannot hold."""

from typing import Final

_MAX_LABEL: Final = 63  # octets (RFC 1035 §2.3.4)
_MAX_NAME: Final = 253  # octets as text: 255 on the wire with its length octets (RFC 1035 §2.3.4)


def question_name(name: str) -> str | None:
    """The name in lower case, in A-labels, without its final dot; the root is ``""``; ``None``: it is no name at all.

    Whatever a label holds is fine as long as it is ASCII: SPF asks about names with spaces and colons in them.
    """
    bare = name.removesuffix(".")
    if not bare.isascii():
        bare = _a_labels(bare)
    bare = bare.lower()
    if len(bare) > _MAX_NAME or not all(0 < len(label) <= _MAX_LABEL for label in bare.split(".")):
        return "" if name in ("", ".") else None
    return bare


def _a_labels(name: str) -> str:
    """The name in A-labels (RFC 5891); one that cannot be encoded becomes a name that cannot be asked about."""
    if len(name) > _MAX_NAME:  # before IDNA, which takes its time with what is far too long
        return ".."
    import idna  # late: its tables are large, and names of other letters are rare

    try:
        # Letters are mapped as users type them (UTS 46); label by label, for the others may hold anything.
        labels = [one if one.isascii() else idna.encode(one, uts46=True).decode("ascii") for one in name.split(".")]
    except (idna.IDNAError, UnicodeError):
        return ".."
    return ".".join(labels)
