"""``Email``: a message as its sender thinks of it. A frozen value, validated when it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from postroad.address import Address
from postroad.errors import MessageError
from postroad.message import date_time
from postroad.message import message_id as msg_id
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.characters import body_text, header_text
from postroad.message.dsn_request import Dsn, Wanted
from postroad.message.envelope import Envelope
from postroad.message.extra_headers import Headers
from postroad.message.list_headers import ListUnsubscribe
from postroad.message.mailboxes import Mailbox, Mailboxes, each_once, mailboxes, one_mailbox
from postroad.message.metadata import Metadata, read_metadata, read_tags

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import Message

MAX_SUBJECT_CHARACTERS = 10_000  # ours: a longer subject is a body that lost its way


@dataclass(frozen=True, slots=True, init=False)
class Email:
    """A message: who it is from and to, what it says, what travels with it.

    ``from_``, ``to``, ``cc``, ``bcc`` and ``reply_to`` take one mailbox (``"Ann <ann@example.com>"`` or an ``Address``)
    or an iterable of them, and are kept as tuples. ``sender`` is needed where there are several From (RFC 5322 §3.6.2).
    ``return_path`` is where bounces go; ``""`` is the null sender; left out, it is ``sender``, else the first From.

    ``text`` left out is made from ``html``. An empty body is allowed where it is said: ``text=""``.
    ``headers`` is a mapping or pairs (name, value); fields that postroad writes itself are refused.
    ``list_unsubscribe`` is one or several ``https:`` or ``mailto:`` URIs (RFC 2369, RFC 8058). ``tags`` and
    ``metadata`` (str to str) stay beside the message and are not rendered. ``message_id`` may lack its angle brackets;
    ``date`` is an aware datetime, kept in UTC and whole seconds. Both are set when the message is accepted for sending
    where they are left out here. ``dsn`` asks for delivery status notifications (a ``Dsn``, or what its ``notify``
    takes); with ``require_tls`` the message goes only where every hop promises verified TLS (RFC 8689).

    Raises:
        MessageError: what is wrong, with the argument's name in ``field``; an ``AddressError`` where it is an address.
    """

    from_: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sender: Address | None
    return_path: Address | str | None
    subject: str
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]
    headers: Headers
    list_unsubscribe: ListUnsubscribe | None
    tags: tuple[str, ...]
    metadata: Metadata
    message_id: str | None
    date: "datetime | None"
    dsn: Dsn | None
    require_tls: bool

    def __init__(
        self,
        *,
        from_: Mailboxes,
        to: Mailboxes = (),
        cc: Mailboxes = (),
        bcc: Mailboxes = (),
        reply_to: Mailboxes = (),
        sender: Mailbox | None = None,
        return_path: Mailbox | None = None,
        subject: str = "",
        text: str | None = None,
        html: str | None = None,
        attachments: Iterable[Attachment] = (),
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        list_unsubscribe: str | Iterable[str] | ListUnsubscribe | None = None,
        tags: str | Iterable[str] = (),
        metadata: Mapping[str, str] | None = None,
        message_id: str | None = None,
        date: "datetime | None" = None,
        dsn: Dsn | Wanted | Mapping[str | Address, Wanted] | None = None,
        require_tls: bool = False,
    ) -> None:
        put = object.__setattr__
        put(self, "from_", mailboxes(from_, "from_"))
        put(self, "to", mailboxes(to, "to"))
        put(self, "cc", mailboxes(cc, "cc"))
        put(self, "bcc", mailboxes(bcc, "bcc"))
        put(self, "reply_to", mailboxes(reply_to, "reply_to"))
        put(self, "sender", None if sender is None else one_mailbox(sender, "sender"))
        put(self, "return_path", _return_path(return_path))
        put(self, "subject", _subject(subject))
        put(self, "text", None if text is None else body_text(text, "text"))
        put(self, "html", None if html is None else body_text(html, "html"))
        put(self, "attachments", _attachments(attachments))
        put(self, "headers", Headers.read(headers))
        put(self, "list_unsubscribe", ListUnsubscribe.read(list_unsubscribe))
        put(self, "tags", read_tags(tags))
        put(self, "metadata", read_metadata(metadata))
        put(self, "message_id", None if message_id is None else msg_id.checked(message_id))
        put(self, "date", None if date is None else date_time.checked(date))
        put(self, "dsn", Dsn.read(dsn))
        put(self, "require_tls", require_tls)
        _check_whole(self)

    @property
    def envelope(self) -> Envelope:
        """Who the message goes from and to on the wire: return path, and To, Cc and Bcc, each mailbox once."""
        mail_from = self.return_path
        if mail_from is None:
            mail_from = self.sender or self.from_[0]
        recipients = each_once((*self.to, *self.cc, *self.bcc))
        sender = mail_from.bare if isinstance(mail_from, Address) else None
        return Envelope(sender, recipients, self.dsn, self.require_tls)

    def to_bytes(self) -> bytes:
        """The content with CRLF line ends, ready for the wire. Adds neither Message-ID nor Date; Bcc stays out."""
        from postroad.message.render import render  # loaded late: programs start more often than they send

        return render(self)

    def replace(self, **changes: Any) -> Self:
        """The message with some arguments changed; everything is checked anew.

        Raises:
            MessageError: what is wrong, as when a message is made.
        """
        arguments: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        unknown = changes.keys() - arguments.keys()
        if unknown:
            raise TypeError(f"an Email has no {', '.join(sorted(unknown))}; it has {', '.join(arguments)}")
        return type(self)(**{**arguments, **changes})

    def __repr__(self) -> str:
        # Logs and tracebacks show it: enough to recognise a message by, neither its text nor its readers.
        recipients = len(self.to) + len(self.cc) + len(self.bcc)
        return f"Email({self.subject!r}, {recipients} recipients, {len(self.attachments)} attachments)"

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a message as it is stored or was sent; see ``postroad.message.parse`` for what is kept.

        Raises:
            MessageError: the message goes beyond a limit, or lacks or garbles what an ``Email`` needs.
        """
        from postroad.message.parse import arguments_of_bytes  # loaded late: the email package costs start-up time

        return cls(**arguments_of_bytes(raw))

    @classmethod
    def from_message(cls, message: "Message[Any, Any]") -> Self:
        """Convert a standard ``email.message.EmailMessage`` or ``Message``.

        Raises:
            MessageError: the message goes beyond a limit, or lacks or garbles what an ``Email`` needs.
        """
        from postroad.message.parse import arguments_of_message  # loaded late: the email package costs start-up time

        return cls(**arguments_of_message(message))


def _return_path(value: object) -> Address | str | None:
    if value is None:
        return None
    if value in ("", "<>"):
        return ""
    return one_mailbox(value, "return_path").bare


def _subject(value: object) -> str:
    subject = header_text(value, "subject")
    if len(subject) > MAX_SUBJECT_CHARACTERS:
        raise MessageError(f"subject: longer than {MAX_SUBJECT_CHARACTERS} characters", field="subject")
    return subject


def _attachments(value: object) -> tuple[Attachment, ...]:
    if isinstance(value, Attachment):
        return (value,)
    if value is None or value == ():
        return ()
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise MessageError(
            f"attachments: a list of Attachment and InlineImage is needed, not {type(value).__name__}",
            field="attachments",
            advice="Use Attachment.from_path(…) for a file, Attachment(content, filename) for bytes.",
        )
    attachments = tuple(value)
    for index, item in enumerate(attachments):
        if not isinstance(item, Attachment):
            field = f"attachments[{index}]"
            raise MessageError(
                f"{field}: an Attachment or InlineImage is needed, not {type(item).__name__}",
                field=field,
                advice="Use Attachment.from_path(…) for a file, Attachment(content, filename) for bytes.",
            )
    return attachments


def _check_whole(email: Email) -> None:
    """What concerns more than one argument."""
    if not email.from_:
        raise MessageError("from_: nobody; a message has an author", field="from_")
    if len(email.from_) > 1 and email.sender is None:
        raise MessageError("sender: needed where there are several From (RFC 5322 §3.6.2)", field="sender")
    if not email.to and not email.cc and not email.bcc:
        raise MessageError("to: no recipients; give to, cc or bcc", field="to")
    if email.text is None and email.html is None and not email.attachments:
        raise MessageError(
            "text: no body; give text, html or attachments", field="text",
            advice='Say text="" where an empty message is meant.',
        )  # fmt: skip
    if len(email.attachments) > 1:
        _check_cids(email.attachments)


def _check_cids(attachments: tuple[Attachment, ...]) -> None:
    seen: set[str] = set()
    for index, item in enumerate(attachments):
        if isinstance(item, InlineImage):
            if item.cid in seen:
                field = f"attachments[{index}].cid"
                raise MessageError(f"{field}: {item.cid!r} names another image already", field=field)
            seen.add(item.cid)
