"""What replies mean: a table of what servers say, and that nothing but the refusal itself decides."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.reply import Code, EnhancedCode, Phase, Reply
from postroad.reports.classes import Action, BounceClass
from postroad.reports.classify import classify, classify_reply, classify_text
from postroad.reports.evidence import evidence_of

LINES = (Path(__file__).parent / "replies.txt").read_text(encoding="utf-8").splitlines()
TABLE = [tuple(line.split(" ", 1)) for line in LINES if line and not line.startswith("#")]


def test_replies_have_their_classes() -> None:
    found = [(expected, str(classify_text(reply).bounce_class), reply) for expected, reply in TABLE]
    assert [row for row in found if row[0] != row[1]] == []


def test_a_not_now_gives_up_nobody() -> None:
    temporary = [f"4{reply[1:]}" for _, reply in TABLE if reply[:3].isdigit()]
    assert [reply for reply in temporary if classify_text(reply).action is Action.SUPPRESS] == []


def test_a_block_never_costs_the_recipient() -> None:
    blocks = [reply for expected, reply in TABLE if expected.startswith("block_")]
    for phase in (None, *Phase):
        suppressed = [one for one in blocks if classify(evidence_of(one, phase=phase)).action is Action.SUPPRESS]
        assert suppressed == []


def test_a_reply_of_a_session_is_classified_like_its_text() -> None:
    reply = Reply(Code(550), ("5.7.26 This mail has been blocked", "5.7.26 - gsmtp"), EnhancedCode(5, 7, 26))
    found = classify_reply(reply, "gmail-smtp-in.l.google.com", Phase.DOT)
    assert (found.bounce_class, found.provider) == (BounceClass.BLOCK_AUTH, "gmail")
    assert found == classify_reply(reply, "gmail-smtp-in.l.google.com", Phase.DOT)
    assert found.meaning.endswith(".")
    assert found.advice.endswith(".")


def test_providers_mean_other_things_by_the_same_code() -> None:
    """Gmail's x.7.27 is SPF; IANA's is a sender with a null MX (RFC 7505)."""
    assert classify_text("550 5.7.27 no", "gmail-smtp-in.l.google.com").reason == "spf_fail"
    assert classify_text("550 5.7.27 no").reason == "sender_refused"
    assert classify_text("550 5.7.30 no", "aspmx.l.google.com").reason == "dkim_fail"
    assert classify_text("550 5.7.30 no").reason == "no_tls"
    assert classify_text("550 5.1.10 no", "acme.mail.protection.outlook.com").reason == "user_unknown"
    assert classify_text("550 5.1.10 no").reason == "null_mx"


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH, Phase.MAIL])
def test_who_has_not_been_told_of_a_recipient_refuses_none(phase: Phase) -> None:
    for _, reply in TABLE:
        assert classify(evidence_of(f"550 {reply}", phase=phase)).action is not Action.SUPPRESS, reply


def test_who_is_unknown_after_the_content_is_not_given_up() -> None:
    at = {phase: classify(evidence_of("550 User unknown", phase=phase)) for phase in (Phase.RCPT, Phase.DOT, None)}
    assert at[Phase.RCPT].bounce_class is BounceClass.HARD_RECIPIENT
    assert at[Phase.DOT].bounce_class is BounceClass.RECIPIENT_REFUSED
    assert at[None].bounce_class is BounceClass.RECIPIENT_REFUSED
    assert classify(evidence_of("550 5.1.1 User unknown", phase=Phase.DOT)).action is Action.SUPPRESS


@pytest.mark.parametrize("text", ["", "250 2.0.0 Ok: queued as 4F2", "what happened?", "999 x", "550", "5.7.1"])
def test_whatever_is_said_something_comes_out(text: str) -> None:
    assert classify_text(text).meaning


def test_an_accepting_reply_is_no_refusal() -> None:
    assert classify_text("250 2.1.5 spam filter says user unknown, ok").bounce_class is BounceClass.DELIVERED


@given(st.text(max_size=300), st.sampled_from(TABLE))
def test_any_text_is_classified(noise: str, row: tuple[str, str]) -> None:
    assert classify_text(noise).meaning
    assert classify_text(f"{row[1]} {noise}").advice


@given(
    st.from_regex(r"[a-z0-9._+-]{1,30}@[a-z0-9-]{1,20}\.(example|com|ne\.jp)", fullmatch=True), st.sampled_from(TABLE)
)
def test_the_address_decides_nothing(address: str, row: tuple[str, str]) -> None:
    expected, reply = row
    if "ann@acme.example" in reply:
        assert classify_text(reply.replace("ann@acme.example", address)).bounce_class == expected
