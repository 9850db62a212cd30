"""Commands as a server reads them (RFC 5321 §4.1.1)."""

import re
from collections.abc import Mapping
from typing import Final

from postroad.address import Address
from postroad.errors import AddressError
from postroad.reply import Reply
from postroad.smtp import esmtp_parameters as parameters
from postroad.smtp import standard_replies as say
from postroad.smtp.chunks import Chunk
from postroad.smtp.server_events import MailGiven, RecipientGiven
from postroad.smtp.states import Verb


class Refusal(Exception):
    """A command that is answered with ``reply`` and has no other effect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


_VERBS: Final = {
    verb.value: verb for verb in Verb if verb.value.isupper() and " " not in verb.value and verb is not Verb.LHLO
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Spaces behind the colon are wrong and common; a source route (RFC 5321 §C) is read and ignored.
_PATH = r' *<(?:@[^:<>"]*:)?((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>(?: +(.*))?'
_MAIL = re.compile(f"FROM:{_PATH}", re.IGNORECASE)
_RCPT = re.compile(f"TO:{_PATH}", re.IGNORECASE)
_CHUNK = re.compile(r"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE)  # RFC 3030 §2
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
    if not text.isprintable() and _CONTROL.search(text):
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


def chunk(argument: str) -> Chunk | None:
    """The argument of BDAT; ``None`` where it says no size, so that nobody knows where its octets end."""
    match = _CHUNK.fullmatch(argument)
    return None if match is None else Chunk(int(match[1]), match[2] is not None)


def mail(argument: str, offered: frozenset[str]) -> MailGiven:
    """The argument of MAIL; ``offered`` are its parameters.

    Raises:
        Refusal: a bad path or parameter.
    """
    match = _MAIL.fullmatch(argument)
    if match is None:
        raise Refusal(say.BAD_MAIL)
    path, rest = match.groups()
    if not rest:
        return MailGiven(_sender(path, smtputf8=False))
    given = _parameters(rest, offered)
    return MailGiven(
        _sender(path, smtputf8="SMTPUTF8" in given),
        int(given["SIZE"]) if "SIZE" in given else None,
        given.get("BODY", "").upper() == "8BITMIME",
        "SMTPUTF8" in given,
        "REQUIRETLS" in given,
        given["RET"].upper() if "RET" in given else None,
        parameters.from_xtext(given["ENVID"]) if "ENVID" in given else None,
    )


def recipient(argument: str, mail: MailGiven, hostname: str, offered: frozenset[str]) -> RecipientGiven:
    """The argument of RCPT. ``Postmaster`` alone is the one of this host (RFC 5321 §4.1.1.3).

    Raises:
        Refusal: a bad path or parameter.
    """
    match = _RCPT.fullmatch(argument)
    if match is None:
        raise Refusal(say.BAD_RCPT)
    path, rest = match.groups()
    if path.lower() == "postmaster":
        path = f"{path}@{hostname}"
    if not rest:
        return RecipientGiven(mail, _address(path, say.BAD_RECIPIENT, smtputf8=mail.smtputf8))
    given = _parameters(rest, offered)
    original = parameters.original_recipient(given["ORCPT"]) if "ORCPT" in given else None
    if original is not None and not mail.smtputf8 and not given["ORCPT"].isascii():
        raise Refusal(say.NOT_ASCII)
    return RecipientGiven(
        mail,
        _address(path, say.BAD_RECIPIENT, smtputf8=mail.smtputf8),
        parameters.notify(given["NOTIFY"]) if "NOTIFY" in given else (),
        original,
    )


def _sender(path: str, *, smtputf8: bool) -> Address | None:
    return _address(path, say.BAD_SENDER, smtputf8=smtputf8) if path else None


def _parameters(text: str, offered: frozenset[str]) -> Mapping[str, str]:
    try:
        return parameters.read(text, offered)
    except parameters.ParameterNotOffered:
        raise Refusal(say.UNKNOWN_PARAMETER) from None
    except parameters.MalformedParameter:
        raise Refusal(say.BAD_PARAMETER) from None


def _address(path: str, refusal: Reply, *, smtputf8: bool) -> Address:
    if not smtputf8 and not path.isascii():
        raise Refusal(say.NOT_ASCII)
    try:
        return Address(path)
    except AddressError:
        raise Refusal(refusal) from None
