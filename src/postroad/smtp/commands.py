"""Commands as a client writes them (RFC 5321 §4.1.1). Nothing that could start a second line leaves here."""

import re
from typing import Final

from postroad.address import Address
from postroad.errors import ConfigurationError, ProtocolError

# RFC 5321 §4.5.3.1.4 says 512 octets; extensions lengthen MAIL and RCPT, by 500 at most together (RFC 1870, 3461, …).
MAX_COMMAND_OCTETS: Final = 1012

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_EHLO_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|\[[A-Za-z0-9:.]{2,60}\]")


def line(text: str) -> bytes:
    """One command line with its end.

    Raises:
        ProtocolError: a control character, or longer than a server must read. Our own mistake: callers check earlier.
    """
    encoded = text.encode()
    if _UNSAFE.search(text):
        raise ProtocolError(f"a control character in the command {text.split(' ', maxsplit=1)[0]!r}")
    if len(encoded) + 2 > MAX_COMMAND_OCTETS:
        raise ProtocolError(f"the command {text[:40]!r}… is longer than {MAX_COMMAND_OCTETS} octets")
    return encoded + b"\r\n"


def is_ehlo_name(name: str) -> bool:
    """Whether this may stand after EHLO: a domain or an address literal (RFC 5321 §4.1.4)."""
    return _EHLO_NAME.fullmatch(name) is not None


def checked_ehlo_name(name: str) -> str:
    """The name given with EHLO: a domain or an address literal (RFC 5321 §4.1.4).

    Raises:
        ConfigurationError: it is neither.
    """
    if not is_ehlo_name(name):
        raise ConfigurationError(
            f"ehlo name {ascii(name)[:80]} is neither a host name nor an address literal such as [127.0.0.1]",
            setting="ehlo",
        )
    return name


def mail(sender: Address | None, *, size: int | None, eight_bit: bool, smtputf8: bool) -> bytes:
    """``MAIL FROM``; a parameter that is ``None`` or ``False`` is left out, as it must be where it is not offered."""
    parameters = "".join(
        (
            f" SIZE={size}" if size is not None else "",  # RFC 1870 §6.1
            " BODY=8BITMIME" if eight_bit else "",  # RFC 6152
            " SMTPUTF8" if smtputf8 else "",  # RFC 6531 §3.4
        )
    )
    path = sender.addr_spec if sender is not None else ""
    return line(f"MAIL FROM:<{path}>{parameters}")


def rcpt(recipient: Address) -> bytes:
    """``RCPT TO``."""
    return line(f"RCPT TO:<{recipient.addr_spec}>")
