"""``RawMessage``: a message that was rendered elsewhere and goes as it is, with an envelope said beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postroad.address import Address
from postroad.errors import MessageError
from postroad.message.dsn_request import Dsn, Wanted
from postroad.message.encode import canonical_lines
from postroad.message.envelope import Body, Envelope, looked_through
from postroad.message.mailboxes import Mailbox, Mailboxes, each_once, mailboxes, one_mailbox

_NAME = rb"[!-9;-~]+[ \t]*:"  # RFC 5322 §2.2, and the white space before the colon of §4.5
_FIELD: Final = re.compile(rb"(" + _NAME + rb")[^\r]*\r\n(?:[ \t][^\r]*\r\n)*")
_BCC: Final = re.compile(rb"(?i)(?:resent-)?bcc[ \t]*:")
_MESSAGE_ID: Final = re.compile(rb"(?im)^message-id[ \t]*:\s*(<[!-;=?-~]+>)")
_BARE_CR: Final = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True, slots=True, init=False)
class RawMessage:
    """A rendered message: its bytes stay as they are, but Bcc and Resent-Bcc fields leave the header, LF becomes CRLF,
    and a missing last line end is added.

    The header ends at the first empty line. Where a line that is no field stands before it, the body begins there and
    an empty line is put before it, so that nobody on the way reads body as header. A leading ``From `` line of an
    mbox (RFC 4155) is no part of the message and is dropped. Lines longer than 998 octets go as they are, though
    not every server takes them unbroken (RFC 5321 §4.5.3.1.6).

    ``envelope_from`` is the return path, ``None`` or ``""`` for the null sender; ``recipients`` one mailbox or several.

    ``body`` is how MAIL must declare the content (RFC 6152), ``smtputf8`` whether envelope or header hold UTF-8
    (RFC 6531 §3.2, RFC 6532). Octets in a header that are no UTF-8 are nothing that SMTPUTF8 could declare; they are
    8-bit content. A server that offers SMTPUTF8 is asked for it and gets the bytes as they are; one behind it without
    it returns the message (RFC 6531 §3.6). For a first server without it the headers are written anew in ASCII. To ask
    for SMTPUTF8 nowhere, write ASCII headers, as ``Email`` does.

    ``message_id`` is the header's, ``None`` where there is none. ``dsn`` and ``require_tls`` are those of ``Email``.

    Raises:
        MessageError: bare CR or NUL (with its position in ``raw``), no recipients, or an address that is none.
    """

    content: bytes
    envelope_from: Address | None
    recipients: tuple[Address, ...]
    body: Body
    smtputf8: bool
    message_id: str | None
    dsn: Dsn | None
    require_tls: bool

    def __init__(
        self,
        raw: bytes,
        *,
        envelope_from: Mailbox | None,
        recipients: Mailboxes,
        dsn: Dsn | Wanted | Mapping[str | Address, Wanted] | None = None,
        require_tls: bool = False,
    ) -> None:
        put = object.__setattr__
        put(self, "content", looked_through(_ready(_octets(raw))))
        put(self, "envelope_from", _sender(envelope_from))
        put(self, "recipients", each_once(mailboxes(recipients, "recipients")))
        if not self.recipients:
            raise MessageError("recipients: nobody", field="recipients")
        put(self, "dsn", Dsn.read(dsn))
        put(self, "require_tls", require_tls)
        # Asked at every try, found once.
        header = header_of(self.content)
        put(self, "body", Body.SEVEN_BIT if self.content.isascii() else Body.EIGHT_BIT)
        put(self, "smtputf8", self.envelope.needs_smtputf8 or (not header.isascii() and _is_utf8(header)))
        put(self, "message_id", _message_id(header))

    @property
    def envelope(self) -> Envelope:
        """Who the message goes from and to on the wire."""
        return Envelope(self.envelope_from, self.recipients, self.dsn, self.require_tls)

    def __repr__(self) -> str:
        return f"RawMessage({len(self.content)} octets, {len(self.recipients)} recipients)"


def header_of(content: bytes) -> bytes:
    """The header of a content with CRLF line ends, without the empty line."""
    if content.startswith(b"\r\n"):
        return b""
    end = content.find(b"\r\n\r\n")
    return content if end < 0 else content[: end + 2]


def _octets(raw: object) -> bytes:
    if isinstance(raw, bytearray | memoryview):
        return bytes(raw)
    if not isinstance(raw, bytes):
        raise MessageError(f"raw: bytes are needed, not {type(raw).__name__}", field="raw")
    return raw


def _sender(value: object) -> Address | None:
    if value is None or value in ("", "<>"):
        return None
    return one_mailbox(value, "envelope_from").bare


def _ready(raw: bytes) -> bytes:
    line_ends = raw.count(b"\r\n")
    _refuse_what_cannot_go(raw, line_ends)
    content = raw if raw.count(b"\n") == line_ends else canonical_lines(raw)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b"From "):
        content = content.partition(b"\r\n")[2] or b"\r\n"
    return _with_sound_header(content)


def _refuse_what_cannot_go(raw: bytes, line_ends: int) -> None:
    nul = raw.find(b"\0")
    if nul >= 0:
        raise MessageError(
            f"raw: NUL at octet {nul} of {len(raw)}", field="raw",
            advice="Encode the part in base64; NUL cannot go through SMTP (RFC 5321 §4.5.2, RFC 5322 §4).",
        )  # fmt: skip
    if raw.count(b"\r") != line_ends:
        found = _BARE_CR.search(raw)
        where = found.start() if found else 0
        raise MessageError(
            f"raw: a bare CR at octet {where} of {len(raw)} (line {raw.count(bytes([10]), 0, where) + 1})", field="raw",
            advice="End lines with CRLF or LF; a CR alone is read differently by different servers (RFC 5321 §2.3.8).",
        )  # fmt: skip


def _with_sound_header(content: bytes) -> bytes:
    """The content without its Bcc fields, and with an empty line between header and body."""
    position, kept, whole = 0, [], True
    while field := _FIELD.match(content, position):
        if _BCC.match(field[1]):
            kept.append(content[position : field.start()])
            whole = False
        else:
            kept.append(field.group())
        position = field.end()
    if content.startswith(b"\r\n", position) or (position == len(content) and (whole or any(kept))):
        return content if whole else b"".join(kept) + content[position:]
    return b"".join(kept) + b"\r\n" + content[position:]


def _message_id(header: bytes) -> str | None:
    found = _MESSAGE_ID.search(header)
    return found[1].decode("ascii") if found else None


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True
