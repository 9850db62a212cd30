"""Requests for delivery status notifications (RFC 3461)."""

import pickle

import pytest

from postroad import Address, Dsn, Email, MessageError, RawMessage
from postroad.message.dsn_request import Notify, Returned


def test_words_lists_and_texts_with_commas_say_the_same() -> None:
    assert Dsn("success,failure").notify == Dsn(["success", Notify.FAILURE]).notify == (Notify.SUCCESS, Notify.FAILURE)


def test_each_recipient_may_have_a_request_of_its_own() -> None:
    dsn = Dsn({"Ann@Example.com": "never", "bob@example.com": ["failure", "delay"]}, ret="headers", envid="order 1")
    assert dsn.wanted_for(Address.parse("ann@example.com")) == (Notify.NEVER,)
    assert dsn.wanted_for(Address.parse("bob@example.com")) == (Notify.FAILURE, Notify.DELAY)
    assert dsn.wanted_for(Address.parse("eve@example.com")) == ()
    assert dsn.ret is Returned.HEADERS


@pytest.mark.parametrize(
    ("arguments", "options", "field"),
    [
        ((["never", "success"],), {}, "notify"),
        (("sometimes",), {}, "notify"),
        ((5,), {}, "notify"),
        ((), {"ret": "half"}, "ret"),
        ((), {"envid": "a\r\nRCPT TO:<x@y>"}, "envid"),
        ((), {"envid": ""}, "envid"),
        ((), {"envid": "x" * 101}, "envid"),
        ((), {"envid": "größe"}, "envid"),
    ],
)
def test_what_cannot_be_asked_for_is_named(arguments: tuple[object, ...], options: dict[str, str], field: str) -> None:
    with pytest.raises(MessageError) as caught:
        Dsn(*arguments, **options)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.field == field


def test_it_travels_with_the_message_into_the_envelope() -> None:
    email = Email(from_="a@example.com", to="b@example.com", text="x", dsn="failure", require_tls=True)
    assert email.envelope.dsn == Dsn("failure")
    assert email.envelope.require_tls
    assert pickle.loads(pickle.dumps(email)).envelope == email.envelope
    assert email.replace(dsn=None).envelope.dsn is None
    raw = RawMessage(email.to_bytes(), envelope_from="a@example.com", recipients="b@example.com", dsn=Dsn("never"))
    assert raw.envelope.dsn == Dsn("never")
    assert not raw.envelope.require_tls


def test_the_content_does_not_know_of_it() -> None:
    plain = Email(from_="a@example.com", to="b@example.com", text="x")
    assert plain.to_bytes() == plain.replace(dsn="success", require_tls=True).to_bytes()
