"""postroad's client with Dovecot, by LMTP."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from postroad import DataError, Mailer, RecipientsRefused, Unsupported
from tests.pairings.exercise import Exercise, Feature, exercises, off, on
from tests.pairings.letters import EIGHT_BIT, LARGE, LETTER
from tests.pairings.server_suite import REPORTED, letter, send
from tests.peers.certificates import Certificates
from tests.peers.dovecot import Dovecot, DovecotSettings
from tests.peers.fixtures import RequiresProgram

pytestmark = pytest.mark.system
USERS = dict.fromkeys(("ann", "bob", "cy", "dan", "eve", "flo", "gus", "hal", "ida", "joe", "kim", "full"), "secret")


@pytest.fixture(scope="module")
def dovecot(requires_server: RequiresProgram, certificates: Certificates) -> Iterator[Dovecot]:
    """One for all, with a mailbox for each test: it takes a second to stop."""
    requires_server("dovecot")
    with Dovecot(DovecotSettings(users=USERS, quotas={"full": 50}, certificate=certificates.good)) as running:
        yield running


Stored = Callable[[str, int], list[bytes]]


@pytest.fixture
def stored(dovecot: Dovecot) -> Stored:
    """What a user has got, without the two fields that Dovecot puts on top. Line ends are CRLF."""

    def stored(user: str, count: int = 1) -> list[bytes]:
        return [_content(raw) for raw in dovecot.messages(user, count)]

    return stored


def _content(raw: bytes) -> bytes:
    _, received, rest = raw.partition(b"\nReceived: ")
    assert received
    while rest[: rest.index(b"\n") + 1] and rest[rest.index(b"\n") + 1 :].startswith(b"\t"):
        rest = rest[rest.index(b"\n") + 1 :]
    return rest[rest.index(b"\n") + 1 :].replace(b"\n", b"\r\n")


def plain(dovecot: Dovecot) -> str:
    return f"lmtp://localhost:{dovecot.lmtp.port}?tls=none&pool=1"


class TestDovecot:
    peer = "Dovecot"
    never = (Feature.SIZE, Feature.DSN, Feature.SMTPUTF8)
    always = (Feature.PIPELINING, Feature.CHUNKING, Feature.EIGHT_BIT_MIME, Feature.ENHANCED_CODES)
    cannot: ClassVar = {
        Exercise(Feature.SHUTTING_DOWN): "only when it is stopped",
        Exercise(Feature.HANGING_UP): "only when it is stopped",
    }

    @exercises(Feature.PLAIN)
    def test_in_plain_text(self, dovecot: Dovecot, stored: Stored) -> None:
        assert send(plain(dovecot), letter(LETTER, "ann@b.example")).accepted
        assert stored("ann", 1) == [LETTER]

    @exercises(Feature.STARTTLS)
    def test_starttls(self, dovecot: Dovecot, stored: Stored, certificates: Certificates) -> None:
        url = f"lmtp://localhost:{dovecot.lmtp.port}?ca={certificates.ca}"
        with Mailer(url, retry=None) as mailer:
            assert "TLSv1" in str(mailer.check())
            assert mailer.send(letter()).accepted
        assert stored("bob", 1) == [LETTER]

    @exercises(Feature.IMPLICIT_TLS)
    def test_implicit_tls(self, dovecot: Dovecot, stored: Stored, certificates: Certificates) -> None:
        url = f"lmtp://localhost:{dovecot.lmtps.port}?tls=implicit&ca={certificates.ca}"
        assert send(url, letter(LETTER, "cy@b.example")).accepted
        assert stored("cy", 1) == [LETTER]

    @exercises(Feature.UNIX_SOCKET)
    def test_a_unix_socket(self, dovecot: Dovecot, stored: Stored) -> None:
        assert send(f"lmtp://{dovecot.socket}", letter(LETTER, "dan@b.example")).accepted
        assert stored("dan", 1) == [LETTER]

    @exercises(Feature.EACH_REPLY, Feature.SEVERAL_RECIPIENTS, Feature.CONTENT_REFUSED, on(Feature.PIPELINING))
    def test_each_recipient_has_an_answer(self, dovecot: Dovecot, stored: Stored) -> None:
        everybody = ("eve@b.example", "full@b.example", "nobody@b.example", "flo@b.example")
        report = send(plain(dovecot), letter(LETTER, *everybody))
        assert [str(one.recipient) for one in report.accepted] == ["eve@b.example", "flo@b.example"]
        assert {str(one.recipient): str(one.enhanced) for one in report.refused} == {
            "full@b.example": "5.2.2",
            "nobody@b.example": "5.1.1",
        }
        assert [stored(user, 1) for user in ("eve", "flo")] == [[LETTER], [LETTER]]

    @exercises(Feature.NO_RECIPIENT, on(Feature.ENHANCED_CODES))
    def test_all_recipients_refused(self, dovecot: Dovecot, stored: Stored) -> None:
        with Mailer(plain(dovecot), retry=None) as mailer:
            with pytest.raises(RecipientsRefused) as caught:
                mailer.send(letter(LETTER, "nobody@b.example", "nowhere@b.example"))
            with pytest.raises((DataError, RecipientsRefused)) as full:
                mailer.send(letter(LETTER, "full@b.example"))
            assert mailer.send(letter(LETTER, "gus@b.example")).accepted
        assert str(caught.value.enhanced) == "5.1.1"
        assert str(full.value.enhanced) == "5.2.2"
        assert stored("gus", 1) == [LETTER]

    @exercises(Feature.LARGE, on(Feature.CHUNKING))
    def test_a_large_message(self, dovecot: Dovecot, stored: Stored) -> None:
        assert send(plain(dovecot), letter(LARGE, "hal@b.example")).accepted
        assert stored("hal", 1) == [LARGE]

    @exercises(on(Feature.EIGHT_BIT_MIME), Feature.NULL_SENDER)
    def test_eight_bits_from_nobody(self, dovecot: Dovecot, stored: Stored) -> None:
        assert send(plain(dovecot), letter(EIGHT_BIT, "ida@b.example", sender="")).accepted
        assert stored("ida", 1) == [EIGHT_BIT]
        assert b"Return-Path: <>\n" in dovecot.messages("ida")[0]

    @exercises(off(Feature.DSN), off(Feature.SMTPUTF8), off(Feature.SIZE))
    def test_what_it_does_not_offer(self, dovecot: Dovecot) -> None:
        with Mailer(plain(dovecot), retry=None) as mailer:
            with pytest.raises(Unsupported, match="DSN"):
                mailer.send(REPORTED)
            with pytest.raises(Unsupported, match="SMTPUTF8"):
                mailer.send(letter(LETTER, "zoë@b.example"))
            assert mailer.send(letter(LETTER, "joe@b.example")).accepted

    @exercises(Feature.TWENTY, on(Feature.PIPELINING))
    def test_twenty_over_one_connection(self, dovecot: Dovecot, stored: Stored) -> None:
        contents = [LETTER + b"%d\r\n" % number for number in range(20)]
        with Mailer(plain(dovecot), retry=None) as mailer:
            reports = list(mailer.send_many([letter(content, "kim@b.example") for content in contents]))
        assert all(report.accepted for report in reports)
        assert set(stored("kim", 20)) == set(contents)
