"""A mailer that signs: which key, for whom, when it is read, and that every try sends the same bytes."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from postroad import Dkim, Email, Mailer, RawMessage, Secret, Unaligned
from postroad.errors import ConfigurationError, Disconnected, MessageError, PostroadError, Unsupported
from postroad.mailauth.dkim.keys import generate, read_key
from postroad.mailauth.dkim.record import record_text
from postroad.mailauth.dkim.verify import Verdict, verify
from postroad.mailer.mailer import AsyncMailer
from postroad.mailer.signing_transport import SigningTransport
from postroad.message.envelope import MailObject, UndottedLines, WireLines
from postroad.outbox.blocking import Outbox
from postroad.outcome import SendReport, failed
from postroad.testing.scripted_server import ScriptedServer
from postroad.transport.contract import BeforeCommit
from postroad.transport.settled import accepted
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import FakeClock, middle
from tests.mailauth.dkim.examples import ED25519_RECORD, ED25519_SEED, RSA_PEM, RSA_RECORD, Records
from tests.outbox.stepped_clock import SteppedClock

ED25519 = Secret(ED25519_SEED)
RECORDS = Records(
    {
        f"{selector}._domainkey.{domain}": record
        for domain in ("a.example", "news.a.example", "other.example")
        for selector, record in (("e1", ED25519_RECORD), ("r1", RSA_RECORD))
    }
)


def letter(from_: str = "Ann <ann@a.example>") -> Email:
    return Email(from_=from_, to="bob@b.example", subject="hello", text="hello\n.\nworld")


def verdicts(mail: MailObject) -> list[Verdict]:
    return list(asyncio.run(verify(mail.content, RECORDS, at=2e9)))


def sent(dkim: Dkim | list[Dkim], email: Email | RawMessage) -> MailObject:
    memory = MemoryTransport()
    with Mailer(memory, dkim=dkim) as mailer:
        mailer.send(email)
    (mail,) = memory.messages
    return mail


def signed_by(dkim: Dkim | list[Dkim], email: Email | RawMessage) -> list[tuple[str | None, str | None]]:
    found = verdicts(sent(dkim, email))
    assert all(one.passed for one in found), found
    return [(one.selector, one.domain) for one in found]


def test_two_keys_of_a_domain_both_sign() -> None:
    keys = [Dkim("a.example", "e1", ED25519), Dkim("A.Example", "r1", Secret(RSA_PEM), canon="simple/simple")]
    assert signed_by(keys, letter()) == [("e1", "a.example"), ("r1", "a.example")]


def test_the_nearest_domain_signs() -> None:
    keys = [Dkim(domain, "e1", ED25519) for domain in ("a.example", "news.a.example")]
    assert signed_by(keys, letter("x@a.example")) == [("e1", "a.example")]
    assert signed_by(keys, letter("x@mail.a.example")) == [("e1", "a.example")]
    assert signed_by(keys, letter("x@news.a.example")) == [("e1", "news.a.example")]
    assert signed_by(keys, letter("x@xa.example")) == []


def test_a_raw_message_is_signed_as_it_is() -> None:
    raw = b"From: x@a.example (\xc3\xa4)\r\nSubject:  two   spaces\r\n\r\n.dot\r\n\xff\r\n"
    mail = sent(Dkim("a.example", "e1", ED25519), RawMessage(raw, envelope_from=None, recipients="b@b.example"))
    assert mail.content.endswith(raw)
    assert type(mail.content) is WireLines
    assert [one.passed for one in verdicts(mail)] == [True]


def test_what_is_known_of_the_lines_stays_known() -> None:
    email = Email(from_="ann@a.example", to="bob@b.example", subject="hello", text="hello")
    assert type(sent(Dkim("a.example", "e1", ED25519), email).content) is UndottedLines


@pytest.mark.parametrize(
    "sender",
    [
        "ann@news_1.a.example", "a..b@a.example", ".a@a.example", "a @ a.example", "ann@a.example.",
        "<@relay.example:ann@a.example>", "Smith, Ann <ann@a.example>", "bob@evil.example, ann@a.example",
        "ann@a.example, bob@evil.example",
    ],
)  # fmt: skip
def test_the_domain_decides_however_the_mailbox_is_written(sender: str) -> None:
    raw = RawMessage(f"From: {sender}\r\n\r\n".encode(), envelope_from=None, recipients="b@b.example")
    assert signed_by(Dkim("a.example", "e1", ED25519), raw) == [("e1", "a.example")]


def test_each_author_is_signed_for() -> None:
    raw = RawMessage(b"From: x@b.other.example, ann@a.example\r\n\r\n", envelope_from=None, recipients="b@b.example")
    keys = [Dkim(domain, "e1", ED25519, unaligned=Unaligned.REFUSE) for domain in ("a.example", "other.example")]
    assert signed_by(keys, raw) == [("e1", "a.example"), ("e1", "other.example")]
    with pytest.raises(MessageError, match=r"no DKIM key signs for b\.other\.example"):
        sent(keys[0], raw)


@pytest.mark.parametrize(
    ("unaligned", "expected"), [(Unaligned.LEAVE, []), (Unaligned.SIGN, [("e1", "other.example")])]
)
def test_mail_from_elsewhere(unaligned: Unaligned, expected: list[tuple[str, str]]) -> None:
    assert signed_by(Dkim("other.example", "e1", ED25519, unaligned=unaligned), letter()) == expected


def test_mail_from_elsewhere_can_be_refused() -> None:
    dkim = Dkim("other.example", "e1", ED25519, unaligned=Unaligned.REFUSE)
    with pytest.raises(MessageError, match=r"no DKIM key signs for a\.example") as caught:
        sent(dkim, letter())
    assert caught.value.field == "from"


def test_a_message_without_from_or_with_two_is_not_signed() -> None:
    dkim = Dkim("a.example", "e1", ED25519)
    none = RawMessage(b"Subject: x\r\n\r\n", envelope_from=None, recipients="b@b.example")
    assert signed_by(dkim, none) == []
    two = RawMessage(b"From: x@a.example\r\nFrom: y@a.example\r\n\r\n", envelope_from=None, recipients="b@b.example")
    with pytest.raises(MessageError, match="one From field, and this has 2"):
        sent(dkim, two)


class FirstTryFails:
    """A route whose first try ends before the final dot."""

    name = "failing"
    abilities = MemoryTransport.abilities
    concurrency = 1
    max_size = None

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        self.contents.append(mail.content)
        if len(self.contents) == 1:
            return failed(mail.envelope.recipients, Disconnected("gone"))
        return accepted(mail)

    async def aclose(self) -> None:
        """Nothing to release."""


def test_every_try_sends_the_same_bytes() -> None:
    route, clock = FirstTryFails(), FakeClock()
    dkim = [Dkim("a.example", "e1", ED25519, valid_for=timedelta(days=7)), Dkim("a.example", "r1", Secret(RSA_PEM))]

    async def send() -> None:
        async with AsyncMailer(route, dkim=dkim, clock=clock, chance=middle) as mailer:  # type: ignore[arg-type]  # no check()
            await mailer.send(letter())

    asyncio.run(send())
    assert clock.slept, "time has passed between the tries"
    first, second = route.contents
    assert first == second
    assert b" t=1700000000; x=1700604800;" in first


def test_a_worker_signs_with_the_time_of_enqueueing(tmp_path: Path) -> None:
    memory, clock = MemoryTransport(), SteppedClock()
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}", clock=clock) as outbox:
        outbox.send(letter())
        clock.advance(3600)
        outbox.worker(memory, dkim=Dkim("a.example", "e1", ED25519)).drain()
        outbox.send(letter())
        # A mailer brings its keys along.
        outbox.worker(Mailer(memory, dkim=Dkim("a.example", "r1", Secret(RSA_PEM)))).drain()
    assert [one.selector for mail in memory.messages for one in verdicts(mail) if one.passed] == ["e1", "r1"]
    assert b" t=1700000000;" in memory.messages[0].content
    assert b" t=1700003600;" in memory.messages[1].content


def test_a_signed_message_is_not_converted_on_the_way() -> None:
    raw = "From: ann@a.example\r\nSubject: x\r\n\r\ngrüße\r\n".encode()
    message = RawMessage(raw, envelope_from="ann@a.example", recipients="bob@b.example")
    with ScriptedServer(extensions=()) as server:
        with Mailer(f"smtp://127.0.0.1:{server.port}") as plain:
            plain.send(message)
        with (
            Mailer(f"smtp://127.0.0.1:{server.port}", dkim=Dkim("a.example", "e1", ED25519)) as signing,
            pytest.raises(Unsupported, match="signed"),
        ):
            signing.send(message)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_comes_from_a_file_or_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "e1.pem"
    file.write_bytes(read_key(ED25519_SEED).pem())
    monkeypatch.setenv("DKIM_SEED", ED25519_SEED)
    for key in (file, str(file), ED25519, Secret.ref("env:DKIM_SEED"), Secret.ref(f"file:{file}"), read_key(RSA_PEM)):
        selector = "e1" if not hasattr(key, "kind") else "r1"
        assert signed_by(Dkim("a.example", selector, key), letter()) == [(selector, "a.example")]


def test_a_reference_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DKIM_SEED", raising=False)
    with Mailer("memory://", dkim=Dkim("a.example", "e1", Secret.ref("env:DKIM_SEED"))) as mailer:
        mailer.send(letter("x@elsewhere.example"))
        with pytest.raises(ConfigurationError, match="DKIM_SEED"):
            mailer.send(letter())
        monkeypatch.setenv("DKIM_SEED", ED25519_SEED)
        mailer.send(letter())
        monkeypatch.delenv("DKIM_SEED")
        mailer.send(letter())


@pytest.mark.parametrize(
    ("dkim", "reason"),
    [
        (Dkim("a..example", "e1", ED25519), "'a..example' is no domain name"),
        (Dkim("a.example", "e_", ED25519), "'e_' is no selector"),
        (Dkim("a.example", "", ED25519), "'' is no selector"),
        (Dkim("a.example", "e1", ED25519, canon="loose"), "not 'loose'"),
        (Dkim("a.example", "e1", ED25519, valid_for=timedelta(0)), "more than 0 seconds"),
        (Dkim("a.example", "e1", ED25519, valid_for=timedelta(days=40_000)), "3162240000 at the most"),
        (Dkim("a.example", "e1", "/nowhere/key.pem"), "cannot read '/nowhere/key.pem': No such file"),
        (Dkim("a.example", "e1", ED25519_SEED), "this is a key itself"),
        (Dkim("a.example", "e1", Secret("x")), "neither PEM nor"),
        (Dkim("a.example", "e1", 7), "a file, a Secret or a SigningKey, not int"),  # type: ignore[arg-type]  # wrong
        ([], "give a Dkim"),
        (["a.example"], "give a Dkim"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_is_sent(dkim: Dkim, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        Mailer("null://", dkim=dkim)
    assert ED25519_SEED not in str(caught.value)


@pytest.mark.parametrize("key", [RSA_PEM, ED25519_SEED, Secret(RSA_PEM)])
def test_a_key_never_shows_itself(key: str | Secret) -> None:
    dkim = Dkim("a.example", "r1", key)
    assert repr(dkim).startswith("Dkim(domain='a.example', selector='r1', canon=")
    text = key.reveal() if isinstance(key, Secret) else key
    assert text[40:50] not in f"{dkim} {dkim!r} {[dkim]}"


def test_a_key_that_everybody_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "e1.pem"
    file.write_bytes(read_key(ED25519_SEED).pem())
    for mode, warned in ((0o600, False), (0o640, False), (0o644, True)):
        file.chmod(mode)
        caplog.clear()
        Mailer("null://", dkim=Dkim("a.example", "e1", file))
        assert ("everybody on this machine" in caplog.text) is warned


def test_the_environment_names_keys(tmp_path: Path) -> None:
    file = tmp_path / "e1.pem"
    file.write_bytes(read_key(ED25519_SEED).pem())
    environ = {"POSTROAD_URL": "memory://", "POSTROAD_DKIM": f"a.example:e1:{file}\n other.example:e1:file:{file}"}
    with Mailer.from_env(environ) as mailer:
        mailer.send(letter())
        mailer.send(letter("x@other.example"))
        assert isinstance(mailer.transport, SigningTransport)
        memory = mailer.transport.inner
        assert isinstance(memory, MemoryTransport)
    assert [one.domain for mail in memory.messages for one in verdicts(mail) if one.passed] == [
        "a.example", "other.example",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a.example", "a.example:e1", "a.example::key", ":e1:key", RSA_PEM])
def test_the_environment_is_told_how_to_name_a_key(text: str) -> None:
    with pytest.raises(PostroadError, match="POSTROAD_DKIM: dkim: a key is written domain:selector:key") as caught:
        Mailer.from_env({"POSTROAD_URL": "null://", "POSTROAD_DKIM": text})
    assert "PRIVATE" not in str(caught.value)


def test_only_who_signs_loads_cryptography() -> None:
    code = "import sys, postroad; postroad.Mailer('null://'); postroad.Dkim; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_many_messages_are_signed_each_for_itself() -> None:
    memory = MemoryTransport()
    with Mailer(memory, dkim=Dkim("a.example", "r1", read_key(RSA_PEM))) as mailer:
        reports = list(mailer.send_many(letter(f"n{number}@a.example") for number in range(50)))
    assert all(report.all_accepted for report in reports)
    assert all(one.passed for mail in memory.messages for one in verdicts(mail))
    assert len({mail.content for mail in memory.messages}) == 50


def test_another_key_than_the_published_one_is_noticed() -> None:
    other = generate(bits=1024)
    (verdict,) = verdicts(sent(Dkim("a.example", "r1", other), letter()))
    assert not verdict.passed
    records = Records({"r1._domainkey.a.example": record_text(other).encode()})
    mail = sent(Dkim("a.example", "r1", other), letter())
    assert asyncio.run(verify(mail.content, records, at=2e9))[0].passed
