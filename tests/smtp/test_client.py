"""The client's side of the conversation, without a socket."""

import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.address import Address
from postroad.errors import MessageError, ProtocolError
from postroad.smtp.client import Answer, Broken, ClientConversation, ClientEvent, Unsolicited, decode_challenge
from postroad.smtp.replies import from_text
from postroad.smtp.states import State, Verb

ANN, BOB, EVE = Address("ann@a.example"), Address("bob@b.example"), Address("eve@e.example")


def greeted() -> ClientConversation:
    conversation = ClientConversation()
    answers(conversation, b"220 hello\r\n")
    return conversation


def ready(*extensions: str) -> ClientConversation:
    conversation = greeted()
    conversation.ehlo("client.example")
    lines = ["server.example", *extensions]
    wire = "".join(f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines)
    answers(conversation, wire.encode())
    return conversation


def state(conversation: ClientConversation) -> State:
    """Read anew: a type checker believes that a state it has seen does not change."""
    return conversation.state


def answers(conversation: ClientConversation, data: bytes) -> list[tuple[Verb, int]]:
    events = conversation.receive(data)
    assert all(isinstance(event, Answer) for event in events), events
    return [(event.verb, int(event.reply.code)) for event in events if isinstance(event, Answer)]


def broken(conversation: ClientConversation, data: bytes) -> ProtocolError:
    *_, last = conversation.receive(data)
    assert isinstance(last, Broken), last
    assert state(conversation) is State.CLOSED
    return last.error


def test_a_whole_transaction_in_one_group() -> None:
    conversation = ready("PIPELINING", "SIZE 1000")
    assert conversation.extensions.size_limit == 1000
    group = conversation.mail(ANN, size=12) + conversation.rcpt(BOB) + conversation.rcpt(EVE) + conversation.data()
    assert group == (
        b"MAIL FROM:<ann@a.example> SIZE=12\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<eve@e.example>\r\nDATA\r\n"
    )
    assert (conversation.waiting, conversation.awaited) == (4, Verb.MAIL)
    replies = b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no\r\n354 go\r\n"
    assert answers(conversation, replies) == [
        (Verb.MAIL, 250), (Verb.RCPT, 250), (Verb.RCPT, 550), (Verb.DATA, 354),
    ]  # fmt: skip
    assert state(conversation) is State.CONTENT
    assert conversation.content(b".hi\r\n") == b"..hi\r\n.\r\n"
    behind = conversation.mail(ANN) + conversation.rcpt(BOB) + conversation.data()
    assert behind.startswith(b"MAIL")
    assert answers(conversation, b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n")[0] == (Verb.DOT, 250)
    assert state(conversation) is State.CONTENT


def test_ehlo_refused_then_helo() -> None:
    conversation = greeted()
    conversation.ehlo("client.example")
    answers(conversation, b"502 5.5.1 what?\r\n")
    assert state(conversation) is State.GREETED
    assert conversation.helo("client.example") == b"HELO client.example\r\n"
    answers(conversation, b"250 server.example\r\n")
    assert state(conversation) is State.READY
    assert not conversation.extensions.keywords


def test_after_starttls_nothing_is_known_any_more() -> None:
    conversation = ready("STARTTLS", "PIPELINING", "AUTH PLAIN")
    assert conversation.starttls() == b"STARTTLS\r\n"
    answers(conversation, b"220 go\r\n")
    assert state(conversation) is State.SECURING
    conversation.tls_established("TLSv1.3")
    assert state(conversation) is State.GREETED
    assert not conversation.extensions.keywords  # RFC 3207 §4.2
    assert "* TLSv1.3" in str(conversation.transcript)


@pytest.mark.parametrize("injected", [b"2", b"250-more\r\n", b"250"])
def test_a_reply_that_began_before_tls_is_an_attack(injected: bytes) -> None:
    conversation = ready("STARTTLS")
    conversation.starttls()
    answers(conversation, b"220 go\r\n" + injected)
    with pytest.raises(ProtocolError, match="injected"):
        conversation.tls_established("TLSv1.3")
    assert state(conversation) is State.CLOSED


def test_a_whole_reply_behind_starttls_is_unsolicited() -> None:
    conversation = ready("STARTTLS")
    conversation.starttls()
    first, second = conversation.receive(b"220 go\r\n250 injected\r\n")
    assert isinstance(first, Answer)
    assert isinstance(second, Unsolicited)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"421 4.3.2 closing\r\n", State.CLOSED), (b"250 out of the blue\r\n", State.READY)],
)
def test_what_nobody_asked_for_is_an_event(data: bytes, kind: State) -> None:
    conversation = ready()
    (event,) = conversation.receive(data)
    assert isinstance(event, Unsolicited)
    assert state(conversation) is kind


def test_a_421_closes_from_anywhere() -> None:
    conversation = ready("PIPELINING")
    conversation.mail(ANN)
    conversation.rcpt(BOB)
    assert answers(conversation, b"421 4.3.2 closing\r\n") == [(Verb.MAIL, 421)]
    assert state(conversation) is State.CLOSED
    with pytest.raises(ProtocolError, match="closed session"):
        conversation.rset()


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (ClientConversation.starttls, b"354 what?\r\n"),
        (ClientConversation.noop, b"334 what?\r\n"),
        (ClientConversation.data, b"354 without MAIL\r\n"),
        (ClientConversation.data, b"250 without MAIL\r\n"),
        (lambda one: one.rcpt(BOB), b"250 without MAIL\r\n"),
        (lambda one: one.mail(ANN), b"354 what?\r\n"),
        (ClientConversation.noop, b"299-a\r\n298 b\r\n"),
        (ClientConversation.noop, b"SSH-2.0-OpenSSH_9.9\r\n"),
        (ClientConversation.noop, b"\x15\x03\x01\x00\x02\x02\x46\r\n"),
    ],
)
def test_an_answer_that_cannot_be_ends_the_session(command: object, reply: bytes) -> None:
    conversation = ready()
    assert callable(command)
    command(conversation)
    error = broken(conversation, reply)
    assert error.transcript
    assert conversation.receive(b"250 ok\r\n") == []
    assert conversation.waiting == 0


def test_content_only_after_a_354() -> None:
    with pytest.raises(ProtocolError, match="without a 354"):
        ready().content(b"hi\r\n")


def test_content_with_a_bare_line_end_is_not_written() -> None:
    conversation = ready()
    conversation.mail(ANN)
    conversation.rcpt(BOB)
    conversation.data()
    answers(conversation, b"250 ok\r\n250 ok\r\n354 go\r\n")
    with pytest.raises(MessageError, match="bare"):
        conversation.content(b"a\nb\r\n")
    assert conversation.waiting == 0


def test_an_empty_initial_response_is_an_equals_sign() -> None:
    assert ready().auth("X", b"") == b"AUTH X =\r\n"  # RFC 4954 §4
    assert ready().auth("X", None) == b"AUTH X\r\n"
    long = ready().auth("PLAIN", b"x" * 400)
    assert long == b"AUTH PLAIN\r\n"


def test_challenges() -> None:
    assert decode_challenge(from_text("334 VXNlcm5hbWU6")) == b"Username:"
    assert decode_challenge(from_text("334 ")) == b""
    with pytest.raises(ProtocolError, match="not base64"):
        decode_challenge(from_text("334 what is your name?"))
    with pytest.raises(ProtocolError, match="354 VXNlcm5hbWU6 in answer to AUTH"):
        decode_challenge(from_text("354 VXNlcm5hbWU6"))


def test_the_transcript_has_neither_credentials_nor_content() -> None:
    conversation = ready("AUTH PLAIN LOGIN")
    conversation.auth("PLAIN", b"\0ann\0hunter2")
    conversation.auth_response(b"hunter2")
    conversation.receive(b"334 \r\n235 ok\r\n")
    conversation.mail(ANN)
    conversation.rcpt(BOB)
    conversation.data()
    conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.content(b"the content\r\n")
    told = str(conversation.transcript)
    assert "AUTH PLAIN ***" in told
    assert "13 octets of content" in told
    for secret in ("hunter2", "aHVudGVyMg", "AGFubgBodW50ZXIy", "the content"):
        assert secret not in told
    pickle.dumps(conversation.transcript.snapshot())


# ── any chunking ──────────────────────────────────────────────────────────────────────────────────────────────────────

commands = st.lists(
    st.sampled_from(["ehlo", "starttls", "mail", "rcpt", "data", "rset", "noop", "auth", "quit"]), max_size=6
)
lines = st.sampled_from(
    [
        b"220 hello\r\n",
        b"250 ok\r\n",
        b"250-one\r\n250 SIZE 5\r\n",
        b"354 go\r\n",
        b"334 \r\n",
        b"235 ok\r\n",
        b"421 bye\r\n",
        b"451 later\r\n",
        b"550 5.1.1 no\n",
        b"250-a\r\n550 b\r\n",
        b"nonsense\r\n",
        b"\xff\r\n",
    ]
)


def started(names: list[str]) -> ClientConversation:
    conversation = ClientConversation()
    write = {
        "ehlo": lambda: conversation.ehlo("client.example"),
        "mail": lambda: conversation.mail(ANN),
        "rcpt": lambda: conversation.rcpt(BOB),
        "auth": lambda: conversation.auth("PLAIN", b"\0a\0b"),
    }
    for name in names:
        write.get(name, getattr(conversation, name))()
    return conversation


def heard(names: list[str], chunks: list[bytes]) -> tuple[list[ClientEvent | str], State, int, str]:
    conversation = started(names)
    events = [event for chunk in chunks for event in conversation.receive(chunk)]
    return (
        [event.error.message if isinstance(event, Broken) else event for event in events],
        conversation.state,
        conversation.waiting,
        str(conversation.transcript),
    )


@given(commands, st.lists(st.one_of(lines, st.binary(max_size=6)), max_size=8), st.data())
def test_any_chunking_gives_the_same_events(names: list[str], said: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    chunks = [wire[start:end] for start, end in pairwise([0, *cuts, len(wire)])]
    whole = heard(names, [wire])
    assert heard(names, chunks) == whole
    assert heard(names, [wire[at : at + 1] for at in range(len(wire))]) == whole
