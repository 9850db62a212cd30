"""Our client's conversation and our server's, back to back in memory: both must see the same."""

import base64
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from postroad.address import Address
from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp import commands
from postroad.smtp.client import Answer, ClientConversation
from postroad.smtp.replies import from_text
from postroad.smtp.sasl import Login, Plain
from postroad.smtp.server_events import AuthAttempt, Question
from postroad.smtp.server_settings import AuthOffer, ServerSettings
from postroad.smtp.states import TRANSITIONS, State, Verb
from tests.smtp.driven_server import DrivenServer, agreeable

SETTINGS = ServerSettings(hostname="mx.example", starttls=True, auth=AuthOffer.OVER_TLS)
ANN, BOB, EVE = Address("ann@a.example"), Address("bob@b.example"), Address("eve@e.example")


class Pair:
    """A client and a server; every octet passes in pieces of ``piece``."""

    def __init__(self, server: DrivenServer, piece: int = 7) -> None:
        self.client, self.server = ClientConversation(), server
        self._piece = piece
        self._read = 0

    def exchange(self, *commands: bytes) -> list[Reply]:
        """Write these as one group; the replies to them."""
        wire = b"".join(commands)
        self.server.feed(*self._pieces(wire))
        said, self._read = self.server.output[self._read :], len(self.server.output)
        events = [event for piece in self._pieces(said) for event in self.client.receive(piece)]
        assert all(isinstance(event, Answer) for event in events), events
        assert self.client.waiting == 0
        return [event.reply for event in events if isinstance(event, Answer)]

    def agree(self) -> None:
        """Both believe to be in the same state."""
        assert self.client.state is self.server.conversation.state

    def _pieces(self, wire: bytes) -> list[bytes]:
        places = [*range(0, len(wire), self._piece), len(wire)]
        return [wire[start:end] for start, end in pairwise(places)]


def test_a_whole_session() -> None:
    pair = Pair(DrivenServer(SETTINGS))
    client = pair.client
    assert pair.exchange()[0].code == 220
    pair.exchange(client.ehlo("client.example"))
    assert client.extensions.starttls
    assert not client.extensions.auth_mechanisms
    assert client.extensions.size_limit == SETTINGS.limits.message_octets
    pair.exchange(client.starttls())
    client.tls_established("TLS, in theory")
    pair.agree()
    pair.exchange(client.ehlo("client.example"))
    assert client.extensions.auth_mechanisms == {"PLAIN", "LOGIN"}
    plain = Plain("ann", Secret("secret"))
    assert pair.exchange(client.auth("PLAIN", plain.initial_response()))[0].code == 235
    for _ in range(3):
        mail = client.command(Verb.MAIL, commands.mail(ANN, size=6, eight_bit=True))
        pair.exchange(mail, client.rcpt(BOB), client.rcpt(EVE), client.data())
        pair.agree()
        assert [str(reply) for reply in pair.exchange(client.content(b".dots.\r\n"))] == ["250 2.0.0 Ok"]
        pair.agree()
    assert pair.exchange(client.quit())[0].code == 221
    pair.agree()
    contents = pair.server.contents
    assert [(str(c.mail.sender), list(map(str, c.recipients)), c.content) for c in contents] == [
        ("ann@a.example", ["bob@b.example", "eve@e.example"], b".dots.\r\n")
    ] * 3


def test_one_round_trip_a_message() -> None:
    """RFC 2920: the next message's MAIL, RCPT and DATA behind this one's final dot, in one write."""
    pair = Pair(DrivenServer(), piece=10_000)
    client = pair.client
    pair.exchange()
    pair.exchange(client.ehlo("client.example"))
    group = (client.mail(None), client.rcpt(BOB), client.data())
    pair.exchange(*group)
    for _ in range(5):
        codes = [
            int(reply.code)
            for reply in pair.exchange(client.content(b"x\r\n"), client.mail(ANN), client.rcpt(EVE), client.data())
        ]
        assert codes == [250, 250, 250, 354]
    assert len(pair.server.contents) == 5


def test_login_is_asked_twice() -> None:
    pair = Pair(DrivenServer(SETTINGS, secure=True))
    client, login = pair.client, Login("ann", Secret("secret"))
    pair.exchange()
    pair.exchange(client.ehlo("client.example"))
    (reply,) = pair.exchange(client.auth("LOGIN", None))
    while reply.code == 334:
        pair.agree()
        (reply,) = pair.exchange(client.auth_response(login.respond(base64.b64decode(reply.text))))
    assert reply.code == 235
    pair.agree()
    assert pair.server.conversation.user == "ann"


def test_a_cancelled_exchange() -> None:
    pair = Pair(DrivenServer(SETTINGS, secure=True))
    pair.exchange()
    pair.exchange(pair.client.ehlo("client.example"))
    pair.exchange(pair.client.auth("PLAIN", None))
    assert pair.exchange(pair.client.command(Verb.AUTH_RESPONSE, b"*\r\n"))[0].code == 501
    pair.agree()


COMMANDS = st.lists(
    st.sampled_from(["ehlo", "helo", "mail", "rcpt", "data", "content", "rset", "noop", "auth", "quit"]), max_size=20
)
REPLIES = st.lists(st.sampled_from(["250 ok", "451 4.0.0 later", "550 5.0.0 no", "421 bye"]), max_size=10)


@given(COMMANDS, REPLIES, st.integers(1, 40))
def test_both_sides_agree_whatever_is_said(commands: list[str], replies: list[str], piece: int) -> None:
    answers = iter(replies)

    def answer(question: Question) -> Reply:
        reply = next(answers, None)
        if reply is None:
            return agreeable(question)
        if isinstance(question, AuthAttempt):
            return from_text(reply.replace("250", "235"))
        return from_text(reply)

    pair = Pair(DrivenServer(SETTINGS, answer=answer, secure=True), piece)
    pair.exchange()
    for command in commands:
        if pair.client.state is State.CLOSED:
            break
        _say(pair, command)
        pair.agree()


def _say(pair: Pair, command: str) -> None:
    """Say what the table lets a client say here (rule 2 of states.py); what it does not is passed over."""
    client = pair.client
    verb = Verb.DOT if command == "content" else Verb[command.upper()]
    if (client.state, verb) in TRANSITIONS:
        wire = {
            "ehlo": lambda: client.ehlo("client.example"),
            "helo": lambda: client.helo("client.example"),
            "mail": lambda: client.mail(ANN),
            "rcpt": lambda: client.rcpt(BOB),
            "data": client.data,
            "content": lambda: client.content(b"x\r\n"),
            "rset": client.rset,
            "noop": client.noop,
            "auth": lambda: client.auth("PLAIN", b"\0ann\0secret"),
            "quit": client.quit,
        }[command]
        pair.exchange(wire())
