"""Commands as a server reads them (RFC 5321 §4.1.1)."""

import re
from typing import Final

from postroad.address import Address
from postroad.errors import AddressError
from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.server_events import MailGiven
from postroad.smtp.states import Verb


class Refusal(Exception):
    """A command that is answered with ``reply`` and has no other effect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


_VERBS: Final = {
    verb.value: verb
    for verb in Verb
    if verb.value.isupper() and " " not in verb.value and verb not in (Verb.BDAT, Verb.LHLO)
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Spaces behind the colon are wrong and common; a source route (RFC 5321 §C) is read and ignored.
_PATH = r' *<(?:@[^:<>"]*:)?((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>(?: +(.*))?'
_MAIL = re.compile(f"FROM:{_PATH}", re.IGNORECASE)
_RCPT = re.compile(f"TO:{_PATH}", re.IGNORECASE)
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870 §6.1
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")  # RFC 3461 §4
_HELLO_NAME = re.compile(r"[!-~]{1,255}")  # RFC 5321 §4.1.4: refusing for a name that is merely odd is not allowed


def split(line: bytes) -> tuple[Verb, str]:
    """The verb of a command line without its end, and the rest.

    Raises:
        Refusal: no command, or text that stands in none.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Refusal(say.NOT_UTF8) from None
    if _CONTROL.search(text):
        raise Refusal(say.CONTROL_CHARACTER)
    word, _, argument = text.partition(" ")
    verb = _VERBS.get(word.upper())
    if verb is None:
        raise Refusal(say.UNKNOWN_COMMAND)
    return verb, argument.strip(" ")


def no_argument(argument: str) -> None:
    """Refuse an argument where none may stand."""
    if argument:
        raise Refusal(say.NO_ARGUMENT)


def needs_argument(argument: str, reply: Reply) -> Reply:
    """The reply, where there is an argument."""
    if not argument:
        raise Refusal(say.ARGUMENT_MISSING)
    return reply


def hello_name(argument: str) -> str:
    """The name in EHLO or HELO.

    Raises:
        Refusal: none, or not one word of ASCII.
    """
    if not _HELLO_NAME.fullmatch(argument):
        raise Refusal(say.BAD_NAME)
    return argument


def mail(argument: str, keywords: frozenset[str]) -> MailGiven:
    """The argument of MAIL; ``keywords`` are the parameters offered.

    Raises:
        Refusal: a bad path or parameter.
    """
    match = _MAIL.fullmatch(argument)
    if match is None:
        raise Refusal(say.BAD_MAIL)
    path, rest = match.groups()
    given = _parameters(rest, keywords)
    smtputf8 = "SMTPUTF8" in given
    return MailGiven(
        _address(path, say.BAD_SENDER, smtputf8=smtputf8) if path else None,
        int(given["SIZE"]) if "SIZE" in given else None,
        given.get("BODY", "").upper() == "8BITMIME",
        smtputf8,
    )


def recipient(argument: str, *, smtputf8: bool, hostname: str) -> Address:
    """The argument of RCPT. ``Postmaster`` alone is the one of this host (RFC 5321 §4.1.1.3).

    Raises:
        Refusal: a bad path or parameter.
    """
    match = _RCPT.fullmatch(argument)
    if match is None:
        raise Refusal(say.BAD_RCPT)
    path, rest = match.groups()
    _parameters(rest, frozenset())
    if path.lower() == "postmaster":
        path = f"{path}@{hostname}"
    return _address(path, say.BAD_RECIPIENT, smtputf8=smtputf8)


def _address(path: str, refusal: Reply, *, smtputf8: bool) -> Address:
    if not smtputf8 and not path.isascii():
        raise Refusal(say.NOT_ASCII)
    try:
        return Address(path)
    except AddressError:
        raise Refusal(refusal) from None


def _parameters(text: str | None, offered: frozenset[str]) -> dict[str, str]:
    """RFC 5321 §4.1.2: ``KEYWORD`` or ``KEYWORD=value``, separated by spaces."""
    given: dict[str, str] = {}
    for word in (text or "").split():
        keyword, equals, value = word.partition("=")
        keyword = keyword.upper()
        if not _KEYWORD.fullmatch(keyword) or (equals and not value) or keyword in given:
            raise Refusal(say.BAD_PARAMETER)
        if keyword not in offered:
            raise Refusal(say.UNKNOWN_PARAMETER)
        if not _well_formed(keyword, value):
            raise Refusal(say.BAD_PARAMETER)
        given[keyword] = value
    return given


def _well_formed(keyword: str, value: str) -> bool:
    match keyword:
        case "SIZE":
            return _SIZE.fullmatch(value) is not None
        case "BODY":
            return value.upper() in ("7BIT", "8BITMIME")
        case "SMTPUTF8":
            return not value
        case "AUTH":  # RFC 4954 §5: read, and not believed
            return value == "<>" or _XTEXT.fullmatch(value) is not None
        case _:
            return False
