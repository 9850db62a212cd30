"""Content by BDAT (RFC 3030), as bare octets: what is taken, what is refused, and that nothing gets out of step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.smtp import standard_replies as say
from postroad.smtp.chunks import ChunkedContent
from postroad.smtp.incoming_content import LINE_HELD, Fault
from postroad.smtp.server import ServerConversation
from postroad.smtp.server_contents import CONTENTS_AHEAD
from postroad.smtp.server_events import ContentComplete, Ending, MailGiven, RecipientGiven
from postroad.smtp.server_settings import ServerLimits, ServerSettings
from postroad.smtp.states import State
from tests.smtp.driven_server import DrivenServer, agreeable, chunked

EHLO = b"EHLO client.example\r\n"
ENVELOPE = b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\n"


def greeted(**limits: int | None) -> DrivenServer:
    server = DrivenServer(ServerSettings(limits=ServerLimits(**limits)))  # type: ignore[arg-type]  # each as its field
    server.feed(EHLO)
    return server


def contents(server: DrivenServer) -> list[bytes]:
    return [content.content for content in server.contents]


def test_the_example_of_the_rfc() -> None:
    """RFC 3030 §4.1: one chunk, then three; a pipelining client sends all of it at once."""
    server = greeted()
    assert server.codes(ENVELOPE + b"BDAT 8 LAST\r\nHello.\r\n" + b"RSET\r\n") == [250, 250, 250, 250]
    chunks = b"BDAT 5\r\nOne\r\nBDAT 4\r\nTwo\nBDAT 0 LAST\r\n".replace(b"Two\n", b"Tw\r\n")
    assert server.codes(ENVELOPE + chunks + b"QUIT\r\n") == [250, 250, 250, 250, 250, 221]
    assert contents(server) == [b"Hello.\r\n", b"One\r\nTw\r\n"]
    assert list(map(str, server.contents[0].recipients)) == ["bob@b.example"]


def test_nothing_is_stuffed_and_commands_in_a_chunk_are_content() -> None:
    server = greeted()
    text = b".\r\n..\r\nQUIT\r\n\r\n.\r\nRSET\r\n"
    assert server.codes(ENVELOPE + b"bdat %d last\r\n" % len(text) + text + b"NOOP\r\n") == [250, 250, 250, 250]
    assert contents(server) == [text]


def test_a_line_end_may_lie_between_two_chunks() -> None:
    server = greeted()
    server.feed(ENVELOPE + b"BDAT 2\r\na\r" + b"BDAT 2 LAST\r\n\nb")
    assert contents(server) == [b"a\r\nb\r\n"]  # and the last line gets its end


def test_a_message_of_nothing() -> None:
    server = greeted()
    assert server.codes(ENVELOPE + b"BDAT 0 LAST\r\n") == [250, 250, 250]
    assert contents(server) == [b""]


@pytest.mark.parametrize(
    ("wire", "codes"),
    [
        (ENVELOPE + b"BDAT 3\r\na\r\nDATA\r\n", [250, 250, 250, 503]),
        (ENVELOPE + b"BDAT 3\r\na\r\nRCPT TO:<eve@e.example>\r\n", [250, 250, 250, 503]),
        (ENVELOPE + b"BDAT 3\r\na\r\nMAIL FROM:<>\r\n", [250, 250, 250, 503]),
        (ENVELOPE + b"BDAT 3 LAST\r\na\r\nBDAT 3 LAST\r\nb\r\n", [250, 250, 250, 503]),
        (ENVELOPE + b"DATA\r\na\r\n.\r\nBDAT 3 LAST\r\nb\r\n", [250, 250, 354, 250, 503]),
        (b"BDAT 6\r\nQUIT\r\n", [503]),
        (b"MAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\n", [250, 554]),
        # RFC 2920 §3.1: behind refused recipients everything of the transaction is refused, octet for octet.
        (b"MAIL FROM:<>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n", [250, 554, 503]),
        (b"MAIL FROM:<>\r\nBDAT 6\r\nQUIT\r\nRCPT TO:<a@a.example>\r\n", [250, 554, 503]),
        (ENVELOPE + b"BDAT 4\r\na\n\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n", [250, 250, 550, 503, 503]),
    ],
)
def test_what_is_out_of_order_is_read_and_refused(wire: bytes, codes: list[int]) -> None:
    server = greeted()
    assert server.codes(wire) == codes
    assert all(content == b"a\r\n" for content in contents(server))
    assert server.codes(b"RSET\r\n", ENVELOPE + b"BDAT 3 LAST\r\nc\r\n") == [250, 250, 250, 250]
    assert contents(server)[-1] == b"c\r\n"


def test_before_the_greeting_it_is_read_too() -> None:
    assert DrivenServer().codes(b"BDAT 6\r\nQUIT\r\n" + EHLO) == [503, 250]


def test_rset_between_chunks_forgets_them() -> None:
    server = greeted()
    assert server.codes(ENVELOPE + b"BDAT 3\r\na\r\nRSET\r\n") == [250, 250, 250, 250]
    assert server.conversation.state is State.READY
    assert server.codes(ENVELOPE + b"BDAT 3 LAST\r\nb\r\n") == [250, 250, 250]
    assert server.codes(ENVELOPE + b"BDAT 3\r\nc\r\n" + EHLO + ENVELOPE + b"DATA\r\n", b"d\r\n.\r\n") == [
        *(250, 250, 250, 250, 250, 250, 354, 250)
    ]
    assert contents(server) == [b"b\r\n", b"d\r\n"]


@pytest.mark.parametrize("argument", [b"", b"LAST", b"-1", b"1x", b"1 FIRST", b"1 LAST LAST", b"0x10", b"9" * 21])
def test_without_a_size_nobody_knows_where_commands_begin(argument: bytes) -> None:
    server = greeted()
    assert server.codes(ENVELOPE + b"BDAT " + argument + b"\r\nRSET\r\n") == [250, 250, 501]
    assert server.ending is Ending.BAD_CHUNK


@pytest.mark.parametrize(
    ("text", "code"), [(b"a\nb\r\n", 550), (b"a\rb\r\n", 550), (b"a\0\r\n", 550), (b"ab\r", 550), (b"a" * 40, 550)]
)
def test_what_data_refuses_chunks_cannot_bring(text: bytes, code: int) -> None:
    server = greeted(text_line_octets=30)
    assert server.codes(ENVELOPE + b"BDAT %d LAST\r\n" % len(text) + text + ENVELOPE) == [250, 250, code, 250, 250]
    assert not server.contents


def test_chunks_are_counted_while_they_are_read() -> None:
    server = greeted(message_octets=10)
    assert server.codes(ENVELOPE + b"BDAT 6\r\nabcd\r\nBDAT 6 LAST\r\nabcd\r\nNOOP\r\n") == [250, 250, 250, 552, 250]
    assert server.codes(ENVELOPE + b"BDAT 11\r\n" + b"x" * 11 + b"RSET\r\n") == [250, 250, 552, 250]
    assert server.codes(ENVELOPE + b"BDAT 10 LAST\r\n" + b"abcdefgh\r\n") == [250, 250, 250]


def test_chunks_without_an_end_end_the_session() -> None:
    server = greeted(message_octets=10, drained_octets=100)
    assert server.codes(ENVELOPE + b"BDAT 60\r\n" + b"x" * 60, b"BDAT 60\r\n") == [250, 250, 552, 421]
    assert server.ending is Ending.ENDLESS_CONTENT


def test_a_message_may_come_in_many_chunks_but_not_in_many_empty_ones() -> None:
    server = greeted(commands_without_mail=5)
    assert server.codes(ENVELOPE + b"BDAT 1\r\na" * 50 + b"BDAT 0 LAST\r\n") == [250] * 53
    assert server.codes(ENVELOPE + b"BDAT 0\r\n" * 6)[-1] == 421


def test_a_refused_message_does_not_count_as_many_errors() -> None:
    server = greeted(errors=5, text_line_octets=30)
    assert server.codes(ENVELOPE + b"BDAT 4\r\na\n\r\n" + b"BDAT 3\r\na\r\n" * 20)[2:] == [550] + [503] * 20


def test_messages_in_one_write_are_all_handed_out_before_any_is_answered() -> None:
    conversation = ServerConversation(ServerSettings())
    conversation.greet()
    conversation.receive(EHLO + (ENVELOPE + b"BDAT 3 LAST\r\na\r\n") * 3)
    events = _without_answers(conversation)
    conversation.outgoing()
    assert len(events) == conversation.unanswered == 3
    conversation.answer(events[1], say.LOCAL_ERROR)
    assert conversation.outgoing() == b""
    conversation.answer(events[0], say.OK)
    assert [line[:3] for line in conversation.outgoing().splitlines()] == [
        b"250",
        b"250",
        b"250",
        b"451",
        b"250",
        b"250",
    ]


def test_not_more_are_handed_out_than_memory_allows() -> None:
    conversation = ServerConversation(ServerSettings())
    conversation.greet()
    conversation.receive(EHLO + (ENVELOPE + b"BDAT 3 LAST\r\na\r\n") * (CONTENTS_AHEAD + 5))
    events = _without_answers(conversation)
    assert len(events) == CONTENTS_AHEAD
    conversation.answer(events[0], say.OK)
    assert len(_without_answers(conversation)) == 1


def _without_answers(conversation: ServerConversation) -> list[ContentComplete]:
    found = []
    while (event := conversation.next_event()) is not None:
        if isinstance(event, ContentComplete):
            found.append(event)
        elif isinstance(event, MailGiven | RecipientGiven):
            conversation.answer(event, agreeable(event))
    return found


# ── any cut gives the same ────────────────────────────────────────────────────────────────────────────────────────


@given(st.text(alphabet="\r\n.x\0", max_size=60), st.lists(st.integers(0, 60), max_size=20))
def test_any_cut_into_chunks_gives_the_same_content_and_faults(text: str, cuts: list[int]) -> None:
    whole, pieces = ChunkedContent(30, 8), ChunkedContent(30, 8)
    whole.add(text.encode())
    for piece in chunked(text.encode(), cuts):
        pieces.add(piece)
    whole.finish()
    pieces.finish()
    assert (pieces.faults, pieces.content()) == (whole.faults, whole.content())
    if not whole.faults:
        assert whole.content() in (text.encode(), text.encode() + b"\r\n")


@pytest.mark.parametrize("ending", [b"", b"\r\n", b"\r"])
def test_a_line_that_is_too_long_to_wait_for_is_the_same_line(ending: bytes) -> None:
    text = b"y\r\n" + b"x" * (3 * LINE_HELD) + ending
    for size in (1, 1000, LINE_HELD, LINE_HELD + 1, len(text)):
        content = ChunkedContent(10**6, None)
        for start in range(0, len(text), size):
            content.add(text[start : start + size])
        content.finish()
        assert content.faults == (Fault.BARE_CR if ending == b"\r" else Fault.NONE)
        if ending != b"\r":
            assert content.content() == b"y\r\n" + b"x" * (3 * LINE_HELD) + b"\r\n"


SESSIONS = st.lists(
    st.sampled_from(
        [
            EHLO,
            ENVELOPE,
            b"MAIL FROM:<>\r\n",
            b"BDAT 3\r\na\r\n",
            b"BDAT 3 LAST\r\na\r\n",
            b"BDAT 3\r\na\nb",
            b"BDAT 1\r\n\r",
            b"BDAT 1\r\n\n",
            b"BDAT 0\r\n",
            b"BDAT 0 LAST\r\n",
            b"BDAT 30\r\n" + b"x" * 30,
            b"BDAT x\r\n",
            b"DATA\r\n",
            b".\r\n",
            b"RSET\r\n",
            b"NOOP\r\n",
            b"QUIT\r\n",
        ]
    ),
    max_size=15,
).map(lambda commands: EHLO + b"".join(commands))


@given(SESSIONS, st.lists(st.integers(0, 500), max_size=30))
def test_any_chunking_of_the_wire_gives_the_same_events_and_replies(session: bytes, cuts: list[int]) -> None:
    limits = ServerLimits(message_octets=60, text_line_octets=40, drained_octets=200, errors=6)
    whole, pieces = DrivenServer(ServerSettings(limits=limits)), DrivenServer(ServerSettings(limits=limits))
    whole.feed(session)
    pieces.feed(*chunked(session, cuts))
    assert pieces.output == whole.output
    assert contents(pieces) == contents(whole)
    assert pieces.ending == whole.ending
