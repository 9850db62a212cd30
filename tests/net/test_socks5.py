"""SOCKS 5 without a socket: what is said, in whatever pieces the answers come, and what each refusal means."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError, ConnectError, ProxyError, ProxyRefused
from postroad.net.proxy import Proxy, ProxyKind
from postroad.net.socks5 import Socks5

OPEN = Proxy(ProxyKind.SOCKS5H, "proxy.example")
WITH_ACCOUNT = Proxy(ProxyKind.SOCKS5H, "proxy.example", 1080, "ann", "pässword")
CONNECTED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"


def said(proxy: Proxy, chunks: Iterable[bytes], host: str = "mail.example", port: int = 587) -> tuple[bytes, Socks5]:
    """All that our side sends while these chunks arrive."""
    negotiation = Socks5(proxy, host, port)
    sent = negotiation.opening()
    for chunk in chunks:
        sent += negotiation.receive(chunk)
    return sent, negotiation


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("mail.example", b"\x03\x0cmail.example"),
        ("Mail.Example", b"\x03\x0cmail.example"),
        ("mail.münchen.example", b"\x03\x1bmail.xn--mnchen-3ya.example"),
        ("192.0.2.7", b"\x01\xc0\x00\x02\x07"),
        ("2001:db8::7", b"\x04" + bytes.fromhex("20010db8000000000000000000000007")),
    ],
)
def test_where_to(host: str, address: bytes) -> None:
    sent, negotiation = said(OPEN, [b"\x05\x00", CONNECTED], host)
    assert sent == b"\x05\x01\x00" + b"\x05\x01\x00" + address + b"\x02\x4b"  # RFC 1928 §3, §4
    assert negotiation.done
    assert negotiation.rest == b""


def test_logging_in() -> None:
    sent, negotiation = said(WITH_ACCOUNT, [b"\x05\x02", b"\x01\x00", CONNECTED])
    log_in = b"\x01\x03ann\x09" + "pässword".encode()  # RFC 1929 §2
    assert sent == b"\x05\x02\x00\x02" + log_in + b"\x05\x01\x00\x03\x0cmail.example\x02\x4b"
    assert negotiation.done


def test_no_account_is_shown_to_a_proxy_that_wants_none() -> None:
    sent, negotiation = said(WITH_ACCOUNT, [b"\x05\x00", CONNECTED])
    assert b"ann" not in sent
    assert negotiation.done


BOUND = [
    CONNECTED,
    b"\x05\x00\x00\x04" + bytes(16) + b"\x00\x00",
    b"\x05\x00\x00\x03\x0bbound.there\x00\x19",
    b"\x05\x00\x00\x03\x00\x00\x19",
]


@pytest.mark.parametrize("bound", BOUND)
def test_whatever_address_it_is_bound_to_the_greeting_behind_it_is_the_hosts(bound: bytes) -> None:
    _, negotiation = said(OPEN, [b"\x05\x00", bound + b"220 mail.example ESMTP\r\n"])
    assert negotiation.done
    assert negotiation.rest == b"220 mail.example ESMTP\r\n"


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        (1, ConnectError, "general failure"),
        (2, ProxyRefused, "rules"),
        (3, ConnectError, "network unreachable"),
        (4, ConnectError, "host unreachable"),
        (5, ConnectError, "connection refused"),
        (6, ConnectError, "TTL expired"),
        (7, ProxyRefused, "CONNECT"),
        (8, ConnectError, "type of address"),
        (9, ConnectError, "0x09"),
        (255, ConnectError, "0xff"),
    ],
)
@pytest.mark.parametrize("rest", [b"", b"\x00\x01\x00\x00\x00\x00\x00\x00"])
def test_a_refused_host_is_not_a_missing_proxy(reply: int, kind: type[ConnectError], reason: str, rest: bytes) -> None:
    with pytest.raises(ConnectError, match=r"mail\.example:587") as caught:
        said(OPEN, [b"\x05\x00", bytes([5, reply]) + rest])
    assert type(caught.value) is kind
    assert reason in str(caught.value)
    assert "socks5h://proxy.example:1080" in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "chunks", "kind", "what"),
    [
        (OPEN, [b"\x05\xff"], ProxyRefused, "wants a user name and a password"),
        (WITH_ACCOUNT, [b"\x05\xff"], ProxyRefused, "wants another way to log in"),
        (WITH_ACCOUNT, [b"\x05\x02", b"\x01\x01"], ProxyRefused, "refused user name and password"),
        (OPEN, [b"\x05\x02"], ProxyError, "not offered"),
        (WITH_ACCOUNT, [b"\x05\x01"], ProxyError, "not offered"),
        (OPEN, [b"HTTP/1.1 400 Bad Request\r\n"], ProxyError, "use http://"),
        (OPEN, [b"\x04\x5a"], ProxyError, "does not speak SOCKS 5"),
        (OPEN, [b"220 mail.example ESMTP\r\n"], ProxyError, "does not speak SOCKS 5"),
        (OPEN, [b"\x05\x00", b"\x04\x00\x00\x01\x00"], ProxyError, "broke the protocol"),
        (OPEN, [b"\x05\x00", b"\x05\x00\x00\x07\x00"], ProxyError, "broke the protocol"),
    ],
)
def test_who_does_not_let_us_through(proxy: Proxy, chunks: list[bytes], kind: type[ConnectError], what: str) -> None:
    with pytest.raises(ProxyError) as caught:
        said(proxy, chunks)
    assert type(caught.value) is kind
    assert what in str(caught.value)
    assert "pässword" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    "host", ["mail.example\r\nX: y", "mail\x00.example", "two words", "", "a@b", "x" * 64 + ".example"]
)
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises((ConfigurationError, UnicodeError)):
        Socks5(OPEN, host, 587)


def test_a_name_longer_than_the_protocol_carries() -> None:
    with pytest.raises(ConfigurationError, match="255"):
        Socks5(OPEN, ".".join(["a" * 63] * 4) + ".b", 587)


@given(st.lists(st.binary(max_size=40), max_size=8), st.booleans())
def test_any_octets_are_an_answer_or_an_error_of_ours(chunks: list[bytes], account: bool) -> None:
    told = ""
    try:
        said(WITH_ACCOUNT if account else OPEN, chunks)
    except ConnectError as fault:
        told = str(fault)
    assert told.isprintable()
    assert "pässword" not in told


@given(st.sampled_from(BOUND), st.binary(max_size=30), st.data())
def test_the_pieces_make_no_difference(bound: bytes, rest: bytes, data: st.DataObject) -> None:
    stream = b"\x05\x02\x01\x00" + bound + rest
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    negotiation, sent, at = Socks5(WITH_ACCOUNT, "mail.example", 25), b"", 0
    for cut in [*cuts, len(stream)]:
        if not negotiation.done:
            sent += negotiation.receive(stream[at:cut])
            at = cut
    assert negotiation.done
    assert negotiation.rest + stream[at:] == rest
    assert sent.endswith(b"mail.example\x00\x19")
