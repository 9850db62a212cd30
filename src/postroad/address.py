"""One mailbox address: the same type in headers, in the envelope and as the key of the suppression list.

The grammar is the strict part of RFC 5321 §4.1.2 and RFC 5322 §3.4 that all software reads alike: no comments, no
groups, no source routes, no folding. Two parsers that disagree about ``user@good.example(x)evil.example`` send
mail to the wrong place; here such text is an error. Non-ASCII: IDNA 2008 for the domain, RFC 6531 for the local part.
"""

import re
from functools import lru_cache
from typing import Final, Self

from postroad.errors import AddressError

MAX_LOCAL_OCTETS: Final = 64  # RFC 5321 §4.5.3.1.1
MAX_DOMAIN_OCTETS: Final = 255  # RFC 5321 §4.5.3.1.2
MAX_ADDRESS_OCTETS: Final = 254  # RFC 5321 §4.5.3.1.3: a path of 256 octets less its angle brackets

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"  # RFC 5322 §3.2.3
# RFC 6531 §3.3: atext and everything beyond ASCII, said by what it is not: the other way costs 20 ms at start-up.
_UTF8_ATEXT = r"[^\x00-\x20\"(),.:;<>@\[\\\]\x7f]"
_DOT_ATOM = rf"{_UTF8_ATEXT}+(?:\.{_UTF8_ATEXT}+)*"
# A quoted local part is read alike everywhere only while it holds nothing that could end it: no @ < > \ " ( ) , ; :
_QUOTED_LOCAL = rf'"[{_ATEXT}. \[\]]+"'
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1035 §2.3.1, RFC 1123 §2.1
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PLAIN = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@([A-Za-z0-9.-]+)")
_ATOMS = re.compile(rf"[{_ATEXT}]+(?: [{_ATEXT}]+)*")  # a phrase that needs no quotes
_QUOTED_NAME = r'"((?:[^"\\]|\\.)*)"'
_NAME_SPECIALS = re.compile(r'[()<>@,;:\\"\[\]]')


class Address:
    """A mailbox: ``local@domain``, with the display name that a header shows.

    The domain is kept in lower-case ASCII (A-labels), the local part as it was typed. An address equals its own text,
    so it can be compared with, and looked up by, a plain string.

    Raises:
        AddressError: the text is not exactly one mailbox.
    """

    __slots__ = ("_text", "display_name", "domain", "local")

    local: str
    domain: str
    display_name: str
    _text: str

    def __init__(self, addr_spec: str, display_name: str = "") -> None:
        if not isinstance(addr_spec, str):
            raise AddressError(f"an address is a str, not {type(addr_spec).__name__}")
        local, domain = _split(addr_spec)
        self._fill(local, domain, _checked_name(display_name, addr_spec))

    def _fill(self, local: str, domain: str, display_name: str) -> None:
        put = object.__setattr__
        put(self, "local", local)
        put(self, "domain", domain)
        put(self, "display_name", display_name)
        spec = f"{local}@{domain}"
        put(self, "_text", f"{phrase(display_name)} <{spec}>" if display_name else spec)

    @classmethod
    def parse(cls, text: "str | Address") -> "Address":
        """Read ``user@domain``, ``Name <user@domain>`` or ``"Name" <user@domain>``: exactly one mailbox.

        Raises:
            AddressError: naming the text and what is wrong with it.
        """
        if isinstance(text, Address):
            return text
        if not isinstance(text, str):
            raise AddressError(f"an address is a str or an Address, not {type(text).__name__}")
        stripped = text.strip(" \t")
        if not stripped.isprintable():
            _refuse_controls(stripped, f"address {shown(text)}")
        if not stripped.endswith(">"):
            if "<" in stripped:
                raise AddressError(f"address {shown(text)}: an opening < without a closing > at the end")
            return cls(stripped)
        name, bracket, spec = stripped[:-1].rpartition("<")
        if not bracket:
            raise AddressError(f"address {shown(text)}: a closing > without an opening <")
        return cls(spec, _read_name(name.strip(" \t"), text))

    @property
    def addr_spec(self) -> str:
        """``local@domain``, as in the envelope."""
        return f"{self.local}@{self.domain}"

    @property
    def bare(self) -> "Address":
        """The same mailbox without its display name."""
        if not self.display_name:
            return self
        address = object.__new__(Address)
        address._fill(self.local, self.domain, "")
        return address

    @property
    def key(self) -> str:
        """What two spellings of one mailbox share: the case of the local part is folded too.

        Servers may tell ``Ann@`` from ``ann@`` (RFC 5321 §2.4); people do not.
        """
        return f"{self.local.casefold()}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """The local part is not ASCII, so only SMTPUTF8 can carry it (RFC 6531)."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Address({self._text!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Address):
            return self._text == other._text
        return self._text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Address does not change; make a new one instead of setting {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("an Address does not change")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return (type(self), (self.addr_spec, self.display_name))


def _split(spec: str) -> tuple[str, str]:
    plain = _PLAIN.fullmatch(spec)
    if plain:  # the ordinary case in one match
        local, domain = plain.groups()
    else:
        local, at, domain = spec.rpartition("@")
        if not at:
            raise AddressError(f"address {shown(spec)}: no @{_comma_hint(spec)}")
        _check_local(local, spec)
    if local.startswith("=?") and local.endswith("?="):
        # RFC 2047 §5 rule 3: not in an address. Grammar alone would take it for a mailbox that nobody has.
        raise AddressError(f"address {shown(spec)}: an encoded word before the @; write the characters themselves")
    if len(local.encode("utf-8", "replace")) > MAX_LOCAL_OCTETS:
        raise AddressError(f"address {shown(spec)}: the part before @ is longer than {MAX_LOCAL_OCTETS} octets")
    domain = _normal_domain(domain)
    if len(local.encode()) + 1 + len(domain) > MAX_ADDRESS_OCTETS:
        raise AddressError(f"address {shown(spec)}: longer than {MAX_ADDRESS_OCTETS} octets")
    return local, domain


def _check_local(local: str, spec: str) -> None:
    if re.fullmatch(_QUOTED_LOCAL, local):
        return
    if not local:
        raise AddressError(f"address {shown(spec)}: nothing stands before the @")
    if not re.fullmatch(_DOT_ATOM, local) or not local.isprintable():
        raise AddressError(f"address {shown(spec)}: {_fault_of_local(local)}{_comma_hint(spec)}")


def _fault_of_local(local: str) -> str:
    for character in local:
        if not character.isprintable():
            return f"a control or invisible character (U+{ord(character):04X})"
        if character in ' (),:;<>@[\\]"':
            return f"the character {character!r} is not allowed before the @"
    return "a dot at the start, at the end, or two dots in a row before the @"


def _comma_hint(text: str) -> str:
    return "; several addresses go in a list, one string each" if "," in text or ";" in text else ""


def normal_domain(name: str) -> str:
    """A domain as it stands in every ``Address``: in lower case and ASCII; an @ in front of it is passed over.

    Raises:
        AddressError: it is no domain.
    """
    plain = name.removeprefix("@")
    if "@" in plain:
        raise AddressError(f"domain {shown(name)}: this is an address; give what stands behind its @")
    return _normal_domain(plain)


@lru_cache(maxsize=4096)
def _normal_domain(domain: str) -> str:
    """Lower-case ASCII form of a domain or address literal."""
    if len(domain) > MAX_DOMAIN_OCTETS:  # before IDNA, which takes its time with what is far too long
        raise AddressError(f"domain {shown(domain)}: longer than {MAX_DOMAIN_OCTETS} octets")
    lowered = domain.lower() if domain.isascii() else _idna(domain)
    if len(lowered) > MAX_DOMAIN_OCTETS:
        raise AddressError(f"domain {shown(domain)}: longer than {MAX_DOMAIN_OCTETS} octets in ASCII")
    if _DOMAIN.fullmatch(lowered):
        return lowered
    if lowered.startswith("[") and lowered.endswith("]"):
        return _literal(lowered, domain)
    raise AddressError(f"domain {shown(domain)}: {_fault_of_domain(lowered)}{_comma_hint(domain)}")


def _fault_of_domain(domain: str) -> str:
    if not domain:
        return "nothing stands after the @"
    if domain.endswith("."):
        return "a dot at the end"
    if "_" in domain:
        return "an underscore is not allowed in a host name"
    return "labels are letters, digits and inner hyphens, at most 63 octets each, joined by single dots"


def _idna(domain: str) -> str:
    import idna  # loaded late: most domains are ASCII, and its tables cost start-up time

    try:
        # UTS 46 maps what people type (capitals, full-width forms) before IDNA 2008 judges it (RFC 5895).
        return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as fault:
        raise AddressError(f"domain {shown(domain)}: not a valid international domain name ({fault})") from fault


def _literal(lowered: str, domain: str) -> str:
    import ipaddress  # loaded late: address literals are rare (RFC 5321 §4.1.3)

    inner = lowered[1:-1]
    try:
        if inner.startswith("ipv6:"):
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError as fault:
        raise AddressError(f"domain {shown(domain)}: not a valid address literal ({fault})") from fault


def _read_name(name: str, text: str) -> str:
    quoted = re.fullmatch(_QUOTED_NAME, name)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted.group(1))
    special = _NAME_SPECIALS.search(name)
    if special:
        raise AddressError(
            f"address {shown(text)}: the name before < holds {special.group()!r}; put the name in double quotes"
            f"{_comma_hint(name)}"
        )
    return name


def _checked_name(name: str, spec: str) -> str:
    if not isinstance(name, str):
        raise AddressError(f"the display name of {shown(spec)} is a str, not {type(name).__name__}")
    if not name.isprintable():
        _refuse_controls(name, f"the display name of {shown(spec)}")
    return name.strip()


def first_control(text: str) -> int:
    """Where the first character stands that no header holds, -1 where there is none.

    C0 and C1 controls, DEL, the two Unicode line breaks, and halves of surrogate pairs, which UTF-8 cannot carry.
    """
    if text.isprintable():  # the fast answer for nearly all text; the slow one knows joiners and soft hyphens
        return -1
    forbidden = (place for place, character in enumerate(text) if _is_control(character))
    return next(forbidden, -1)


def _is_control(character: str) -> bool:
    return (
        character < " "
        or "\x7f" <= character <= "\x9f"
        or "\ud800" <= character <= "\udfff"
        or character in "\u2028\u2029"
    )


def named(character: str) -> str:
    """The character as an error message calls it."""
    kind = "a lone surrogate" if "\ud800" <= character <= "\udfff" else "a control character"
    return f"{kind} (U+{ord(character):04X})"


def _refuse_controls(text: str, what: str) -> None:
    position = first_control(text)
    if position >= 0:
        raise AddressError(f"{what} holds {named(text[position])}")


def phrase(name: str) -> str:
    """A display name as it stands before an address: quoted where it must be (RFC 5322 §3.2.5)."""
    if _ATOMS.fullmatch(name) or not name.isascii():
        return name if not _NAME_SPECIALS.search(name) else _quoted(name)
    return _quoted(name)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def shown(text: str) -> str:
    """The text for an error message: escaped and cut, so that it cannot break a log or a terminal."""
    cut = text if len(text) <= 80 else f"{text[:77]}..."
    return ascii(cut) if not cut.isprintable() else repr(cut)
