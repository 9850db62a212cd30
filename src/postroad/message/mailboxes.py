"""Reading the address arguments of a message: one mailbox or several, and errors that name which one is wrong."""

from collections.abc import Iterable, Mapping

from postroad.address import Address
from postroad.errors import AddressError

Mailbox = str | Address
Mailboxes = Mailbox | Iterable[Mailbox]


def one_mailbox(value: object, field: str) -> Address:
    """Read exactly one mailbox.

    Raises:
        AddressError: naming ``field`` and what is wrong.
    """
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise AddressError(f"{field}: an address is a str or an Address, not {type(value).__name__}", field=field)
    try:
        return Address.parse(value)
    except AddressError as fault:
        raise AddressError(f"{field}: {fault.message}", field=field, advice=fault.advice) from fault


def mailboxes(value: object, field: str) -> tuple[Address, ...]:
    """Read one mailbox, an iterable of them, or ``None`` for none.

    A str is one mailbox: a comma inside a name would otherwise make two addresses of one.

    Raises:
        AddressError: naming ``field``, with the index where an iterable was given.
    """
    if value is None or value == ():
        return ()
    if isinstance(value, str | Address):
        return (one_mailbox(value, field),)
    if not isinstance(value, list | tuple):
        value = _iterated(value, field)
    return tuple([one_mailbox(item, f"{field}[{index}]") for index, item in enumerate(value)])


def _iterated(value: object, field: str) -> Iterable[object]:
    if isinstance(value, bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        raise AddressError(
            f"{field}: one mailbox (a str or an Address) or a list of them is needed, not {type(value).__name__}",
            field=field,
        )
    return value


def each_once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Bare addresses, each mailbox once (by ``Address.key``), in the order of first sight."""
    seen: dict[str, Address] = {}
    for address in addresses:
        seen.setdefault(address.key, address.bare)
    return tuple(seen.values())
