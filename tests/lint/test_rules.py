"""Each rule: messages that break only it, and what is then to be added."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lint.check import RULES, check_message
from postroad.lint.finding import Level
from postroad.lint.message import Kind
from tests.lint.clean import MARKETING, TRANSACTIONAL
from tests.lint.faulty import DKIM, FAULTY, replaced, without


def broken(message: bytes, kind: Kind | None = None) -> dict[str, str]:
    return {one.id: one.level.value for one in check_message(message, kind) if one.level is not Level.PASS}


@pytest.mark.parametrize("message", [TRANSACTIONAL, MARKETING, MARKETING.replace(b"\r\n", b"\n")])
def test_nothing_is_said_against_a_good_letter(message: bytes) -> None:
    assert broken(message) == {}
    assert [one.id for one in check_message(message)] == [f"MSG-{number:02}" for number in range(1, 12)]


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_breaks_its_rule_alone(name: str) -> None:
    rule, level, message = FAULTY[name]
    assert broken(message) == {rule: level}


def test_every_rule_has_messages_that_break_it() -> None:
    assert {rule for rule, _, _ in FAULTY.values()} == {rule.id for rule in RULES}


@pytest.mark.parametrize(
    "name",
    [
        "no List-Unsubscribe",
        "no List-Unsubscribe-Post",
        "no List-Id",
        "no Feedback-ID",
        "a program without Auto-Submitted",
    ],
)
def test_adding_what_a_finding_says_makes_it_go(name: str) -> None:
    rule, _, message = FAULTY[name]
    (finding,) = [one for one in check_message(message) if one.id == rule]
    assert finding.publish is not None
    field = finding.publish.replace("\n", "\r\n").encode() + b"\r\n"
    assert broken(field + message, Kind.MARKETING if "List" in name else None) == {}


def test_letters_of_other_kinds() -> None:
    assert "MSG-04" in broken(TRANSACTIONAL, Kind.MARKETING)
    assert broken(without(b"List-Unsubscribe-Post", MARKETING), Kind.TRANSACTIONAL) == {}
    talk = without(b"List-Unsubscribe-Post", MARKETING)
    assert broken(b"List-Post: <mailto:list@acme.example>\r\n" + talk) == {}


@pytest.mark.parametrize(
    "message",
    [
        DKIM % b"from : List-Unsubscribe :\r\n List-Unsubscribe-Post" + MARKETING,
        DKIM.replace(b"acme.example", b"gmail.com") % b"from" + replaced(b"orders@acme.example", b"shop@gmail.com"),
        replaced(b"Subject: ", b"In-Reply-To: <1@example.com>\r\nSubject: Re: "),
        b"Return-Path: <bounces+4f2a9c1d33@acme.example>\r\n" + TRANSACTIONAL,
        b"From MAILER-DAEMON Mon Nov 23 09:00:04 2026\r\n" + TRANSACTIONAL,
        replaced(b"orders@", b"no-reply@").replace(b"To:", b"Auto-Submitted: auto-generated\r\nTo:"),
        replaced(b'alt=3D"Acme"', b'width=3D"1" height=3D"1"'),
        replaced(b">Look at it<", b">=\r\nhttps://www.acme.example/orders<"),
        replaced(b"Acme Shop", b'"orders@acme.example"'),
        replaced(b"confirmed", b"=?iso-8859-1?q?best=E4tigt?="),
        replaced(b"confirmed", b"=?utf-8*de?b?YmVzdMOkdGlndA?="),
        replaced(b"+0000", b"+0100 (CET) (so there)"),
        replaced(b"+0000", b"GMT"),
        replaced(b"+0000", b"Z"),
    ],
)
def test_what_looks_like_a_fault_and_is_none(message: bytes) -> None:
    assert broken(message) == {}


def test_ordinary_messages_are_looked_at(corpora: Path) -> None:
    files = sorted((corpora / "mime").rglob("*.eml"))
    assert files
    for file in files:
        assert len(check_message(file.read_bytes())) == len(RULES)


PIECES = st.sampled_from(
    [
        MARKETING[:300],
        b"From: ",
        b"\r\n\r\n",
        b"\n",
        b"=?utf-8?b?",
        b"?=",
        b"Content-Type: text/html\r\n\r\n",
        b"<a href=",
        b"<img",
        b"--b\r\n",
        b"\xff",
        b"@",
        b"<",
        b"List-Unsubscribe: <",
    ]
)


@pytest.mark.parametrize(
    "message",
    [
        b"From: " + b"a" * 1_000_000 + b" <a@acme.example>\r\n\r\n",
        b"Subject: " + b"=?" * 1_000_000 + b"\r\n\r\n",
        b"Content-Type: text/html\r\n\r\n" + b"<a href='x'>" * 30_000,
        b"Content-Type: text/plain\r\n\r\n" + b"https://" * 30_000 + b"manage " * 30_000,
        b"X: y\r\n" * 200_000,
        b"List-Unsubscribe: " + b"<https://a.example>" * 100_000 + b"\r\n\r\n",
        b"DKIM-Signature: " + b"; h " * 300_000 + b"\r\nList-Id: x\r\n\r\n",
        b"From: " + b"a@b.example, " * 30_000 + b"\r\n\r\n",
    ],
    ids=lambda message: message[:20].decode(),
)
def test_a_hostile_message_is_looked_at_in_a_moment(message: bytes) -> None:
    """What is quadratic takes minutes to hours of it, and a test that hangs ends the run."""
    assert len(check_message(message, Kind.MARKETING)) == len(RULES)


@given(st.binary(max_size=300) | st.lists(PIECES, max_size=20).map(b"".join), st.sampled_from([None, *Kind]))
def test_any_bytes_have_findings(message: bytes, kind: Kind | None) -> None:
    findings = check_message(message, kind)
    assert [one.id for one in findings] == [rule.id for rule in RULES]
    assert all(one.seen.isprintable() and one.rule and one.rfc for one in findings)
