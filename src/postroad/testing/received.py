"""What a scripted server was given: messages, and the connections they came over."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A content that arrived up to its final dot or its last chunk, whatever was answered.

    ``content`` has its dots unstuffed. ``options`` are the parameters of MAIL, ``recipient_options`` those of RCPT, one
    tuple for each recipient. ``reply`` is what the server said after the content, ``None`` if nothing; over LMTP
    ``replies`` has what it said for each recipient, as far as it got, and ``reply`` joins these by LF.
    """

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    options: tuple[str, ...] = ()
    secure: bool = False
    user: str | None = None
    connection: int = 0
    reply: str | None = None
    recipient_options: tuple[tuple[str, ...], ...] = ()
    replies: tuple[str | None, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """The recipients for whom the server said 2yz to the content."""
        if not self.replies:
            return self.recipients if _positive(self.reply) else ()
        answered = zip(self.recipients, self.replies, strict=False)  # a server that hangs up has not answered all
        return tuple(recipient for recipient, reply in answered if _positive(reply))

    @property
    def accepted(self) -> bool:
        """The server said 2yz: over LMTP, for every recipient."""
        return _positive(self.reply) and len(self.taken) == len(self.recipients)


def _positive(reply: str | None) -> bool:
    return reply is not None and reply.startswith("2")


@dataclass(slots=True)
class ReceivedSession:
    """One connection: its command lines in order, as they came; AUTH responses are among them, chunks are not."""

    connection: int
    commands: list[str] = field(default_factory=list)
    secure: bool = False
    closed: bool = False
