"""The client's side of an SMTP conversation: commands out, replies in, no socket.

Each command method returns the bytes to write, so that a caller can join a pipelined group into one write; ``receive``
takes any chunk of the server's bytes and returns what they meant. Replies are matched to commands in order
(RFC 2920 §3.1), and the state moves when the reply is there. A caller that pipelines sends commands before it knows
that; DATA, STARTTLS, AUTH and EHLO end a pipelined group.
"""

import base64
import binascii
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from postroad.address import Address
from postroad.errors import ProtocolError
from postroad.reply import Direction, Phase, Reply, Transcript
from postroad.secret import MASK
from postroad.smtp import body as content_form
from postroad.smtp import commands
from postroad.smtp.extensions import Extensions, parse_cached
from postroad.smtp.replies import ReplyReader
from postroad.smtp.states import State, Verb, after_reply

NO_EXTENSIONS: Final = Extensions()
_HELLOS: Final = frozenset({Verb.EHLO, Verb.HELO, Verb.LHLO})


class Answer(NamedTuple):
    """A reply to the oldest command that had none."""

    verb: Verb
    reply: Reply


@dataclass(frozen=True, slots=True)
class Unsolicited:
    """A reply that nothing asked for, such as the 421 of a server that shuts an idle connection (RFC 5321 §3.8)."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Broken:
    """The peer broke the protocol; nothing after it is read, and the session must not be used any more.

    ``awaited`` is the command whose reply should have been there.
    """

    error: ProtocolError
    awaited: Verb | None = None


_answer = tuple.__new__  # four a message: the way past a named tuple's own, which is Python code

ClientEvent = Answer | Unsolicited | Broken


class ClientConversation:
    """One SMTP session seen from the client.

    ``state`` is what the replies so far have established; ``waiting`` how many replies are outstanding; ``extensions``
    what the last EHLO said. ``transcript`` records both sides without credentials and content.
    """

    __slots__ = ("_broken_at", "_over", "_reader", "_waiting", "extensions", "state", "transcript")

    def __init__(self) -> None:
        self.state = State.CONNECTED
        self.extensions = NO_EXTENSIONS
        self.transcript = Transcript()
        self._reader = ReplyReader()
        self._waiting: deque[Verb] = deque((Verb.GREETING,))
        self._over = False  # the peer broke the protocol
        self._broken_at: Verb | None = None

    @property
    def waiting(self) -> int:
        """How many replies are outstanding."""
        return len(self._waiting)

    @property
    def awaited(self) -> Verb | None:
        """The command whose reply comes next."""
        return self._waiting[0] if self._waiting else None

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def ehlo(self, name: str) -> bytes:
        return self._command(Verb.EHLO, commands.line(f"EHLO {name}"))

    def lhlo(self, name: str) -> bytes:
        """LMTP's EHLO (RFC 2033 §4.1)."""
        return self._command(Verb.LHLO, commands.line(f"LHLO {name}"))

    def helo(self, name: str) -> bytes:
        return self._command(Verb.HELO, commands.line(f"HELO {name}"))

    def starttls(self) -> bytes:
        return self._command(Verb.STARTTLS, b"STARTTLS\r\n")

    def tls_established(self, description: str) -> None:
        """The handshake is done: the server has forgotten us, and we what it said (RFC 3207 §4.2).

        Raises:
            ProtocolError: bytes in plain text came behind the STARTTLS reply: somebody injected them.
        """
        if self._reader.pending or self._waiting:
            raise self._broken("plain text was injected behind the STARTTLS reply")
        self.transcript.add(Direction.NOTE, description)
        self._move(Verb.TLS, 220)
        self.extensions = NO_EXTENSIONS

    def auth(self, mechanism: str, initial_response: bytes | None) -> bytes:
        if initial_response is None:
            return self._command(Verb.AUTH, commands.line(f"AUTH {mechanism}"))
        encoded = base64.b64encode(initial_response) or b"="  # RFC 4954 §4: an empty response is "="
        command = f"AUTH {mechanism} ".encode()
        if len(command) + len(encoded) + 2 > 512:  # RFC 4954 §4: too long for one command, so wait to be asked
            return self._command(Verb.AUTH, commands.line(f"AUTH {mechanism}"))
        return self._command(Verb.AUTH, command + encoded + b"\r\n", shown=f"AUTH {mechanism} {MASK}")

    def auth_response(self, response: bytes) -> bytes:
        return self._command(Verb.AUTH_RESPONSE, base64.b64encode(response) + b"\r\n", shown=MASK)

    def command(self, verb: Verb, wire: bytes) -> bytes:
        """A command that was written by ``commands``."""
        return self._command(verb, wire)

    def group(self, verbs: Iterable[Verb], wires: Sequence[bytes]) -> None:
        """Several commands go out in one write (RFC 2920 §3.1), as ``commands`` has written them."""
        if self.state is State.CLOSED:
            raise ProtocolError("commands on a closed session")
        self._waiting.extend(verbs)
        self.transcript.extend(wires)

    def mail(self, sender: Address | None, *, size: int | None = None) -> bytes:
        return self._command(Verb.MAIL, commands.mail(sender, size=size))

    def rcpt(self, recipient: Address) -> bytes:
        return self._command(Verb.RCPT, commands.rcpt(recipient))

    def data(self) -> bytes:
        return self._command(Verb.DATA, b"DATA\r\n")

    def content(self, content: bytes) -> bytes:
        """The content after a 354, dot-stuffed, with the final dot.

        Raises:
            MessageError: see ``body.stuff``. Nothing was written then, and the session can only be closed.
        """
        stuffed = content_form.stuff(content)
        self.final_dot(len(content))
        return stuffed

    def final_dot(self, octets: int, *, replies: int = 1) -> None:
        """A content of so many octets is on its way; LMTP answers once for each recipient it accepted."""
        if self.state is not State.CONTENT:
            raise ProtocolError("content without a 354")
        if replies > 1:
            self._waiting.extend((Verb.DOT_ONE,) * (replies - 1))
        self._waiting.append(Verb.DOT)
        self.transcript.add(Direction.CLIENT, f"({octets} octets of content, and the final dot)")

    def chunk(self, octets: int) -> bytes:
        """The command before a chunk that others follow (RFC 3030 §2)."""
        return self._command(Verb.BDAT, b"BDAT %d\r\n" % octets)

    def last_chunk(self, octets: int, *, replies: int = 1) -> bytes:
        """The command before the last chunk."""
        if replies > 1:
            self._waiting.extend((Verb.BDAT_LAST_ONE,) * (replies - 1))
        return self._command(Verb.BDAT_LAST, b"BDAT %d LAST\r\n" % octets)

    def rset(self) -> bytes:
        return self._command(Verb.RSET, b"RSET\r\n")

    def noop(self) -> bytes:
        return self._command(Verb.NOOP, b"NOOP\r\n")

    def quit(self) -> bytes:
        return self._command(Verb.QUIT, b"QUIT\r\n")

    def _command(self, verb: Verb, wire: bytes, *, shown: str | None = None) -> bytes:
        if self.state is State.CLOSED:
            raise ProtocolError(f"{verb.value} on a closed session")
        self._waiting.append(verb)
        self.transcript.add(Direction.CLIENT, wire if shown is None else shown)
        return wire

    # ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, data: bytes) -> list[ClientEvent]:
        """What the bytes completed, in order; a ``Broken`` is the last event there is."""
        events: list[ClientEvent] = []
        if self._over:
            return events
        replies = self._reader.feed(data)
        waiting = self._waiting
        try:
            for reply in replies:
                if not waiting:
                    events.append(self._unsolicited(reply))
                    continue
                verb = waiting.popleft()
                state = after_reply(self.state, verb, reply.code)
                if state is None:
                    self.transcript.extend(replies[: len(events) + 1])
                    raise self._impossible(verb, reply.code)
                self.state = state
                if verb in _HELLOS:
                    self._learn(verb, reply)
                events.append(_answer(Answer, (verb, reply)))
            self.transcript.extend(replies)
            if self._reader.fault is not None:
                raise self._broken(self._reader.fault.message, self.awaited)
        except ProtocolError as fault:
            events.append(Broken(fault, self._broken_at))
        return events

    def _unsolicited(self, reply: Reply) -> Unsolicited:
        if reply.code == 421:
            self.state = State.CLOSED
        return Unsolicited(reply)

    def _learn(self, verb: Verb, reply: Reply) -> None:
        if verb is Verb.HELO:
            self.extensions = NO_EXTENSIONS
        elif reply.code.positive:
            self.extensions = parse_cached(reply.lines[1:])

    def _move(self, verb: Verb, code: int) -> None:
        state = after_reply(self.state, verb, code)
        if state is None:
            raise self._impossible(verb, code)
        self.state = state

    def _impossible(self, verb: Verb, code: int) -> ProtocolError:
        return self._broken(f"{code} in answer to {verb.value} in state {self.state.value!r}", verb)

    def _broken(self, message: str, awaited: Verb | None = None) -> ProtocolError:
        self._over, self._broken_at = True, awaited
        self.state = State.CLOSED
        self._waiting.clear()
        return ProtocolError(message, transcript=self.transcript.snapshot())


def decode_challenge(reply: Reply) -> bytes:
    """The SASL challenge in a 334 (RFC 4954 §4).

    Raises:
        ProtocolError: it is no 334, or not base64.
    """
    if reply.code != 334:
        raise ProtocolError(f"{reply} in answer to AUTH", reply=reply, phase=Phase.AUTH)
    try:
        return base64.b64decode(reply.lines[-1].strip(), validate=True)
    except (binascii.Error, ValueError) as fault:
        message = f"the server's AUTH challenge is not base64: {reply.lines[-1][:40]!r}"
        raise ProtocolError(message, phase=Phase.AUTH) from fault
