"""Commands as a client writes them (RFC 5321 §4.1.1). Nothing that could start a second line leaves here."""

import re
from collections.abc import Iterable
from typing import Final

from postroad.address import Address
from postroad.errors import ConfigurationError, ProtocolError

# RFC 5321 §4.5.3.1.4 says 512 octets; extensions lengthen MAIL and RCPT, by 500 at most together (RFC 1870, 3461, …).
MAX_COMMAND_OCTETS: Final = 1012

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_NO_XCHAR = re.compile(r"[^!-*,-<>-~]")
_NO_UNITEXT = re.compile(r"[\\+= ]")
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


def mail(
    sender: Address | None,
    *,
    size: int | None = None,
    eight_bit: bool = False,
    smtputf8: bool = False,
    ret: str | None = None,
    envid: str | None = None,
    require_tls: bool = False,
) -> bytes:
    """``MAIL FROM``; a parameter that is ``None`` or ``False`` is left out, as it must be where it is not offered."""
    path = sender.addr_spec if sender is not None else ""
    parameters = f" SIZE={size}" if size is not None else ""  # RFC 1870 §6.1
    if eight_bit:
        parameters += " BODY=8BITMIME"  # RFC 6152
    if smtputf8:
        parameters += " SMTPUTF8"  # RFC 6531 §3.4
    if ret is not None:
        parameters += f" RET={ret}"  # FULL or HDRS, RFC 3461 §4.3
    if envid is not None:
        parameters += f" ENVID={xtext(envid)}"  # RFC 3461 §4.4
    if require_tls:
        parameters += " REQUIRETLS"  # RFC 8689 §2
    return line(f"MAIL FROM:<{path}>{parameters}")


def rcpt(recipient: Address, *, notify: Iterable[str] = (), orcpt: str | None = None) -> bytes:
    """``RCPT TO``; ``orcpt`` is the value of that parameter, as ``original_recipient`` makes it."""
    parameters = ""
    if wanted := ",".join(notify):
        parameters += f" NOTIFY={wanted}"  # NEVER, or some of SUCCESS, FAILURE, DELAY; RFC 3461 §4.1
    if orcpt is not None:
        parameters += f" ORCPT={orcpt}"  # RFC 3461 §4.2
    return line(f"RCPT TO:<{recipient.addr_spec}>{parameters}")


def original_recipient(recipient: Address) -> str:
    """The address with its type, as ORCPT carries it (RFC 3461 §4.2, RFC 6533 §3)."""
    if not recipient.needs_smtputf8:
        return f"rfc822;{xtext(recipient.addr_spec)}"
    escaped = _NO_UNITEXT.sub(lambda found: f"\\x{{{ord(found[0]):02X}}}", recipient.addr_spec)
    return f"utf-8;{escaped}"


def xtext(text: str) -> str:
    """Printable ASCII as it may stand in a parameter's value (RFC 3461 §4)."""
    return _NO_XCHAR.sub(lambda found: f"+{ord(found[0]):02X}", text)
