"""HTTP CONNECT without a socket: what is asked, in whatever pieces the answer comes, and what each refusal means."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError, ConnectError, ProxyError, ProxyRefused
from postroad.net.http_connect import ANSWER_LIMIT, HttpConnect
from postroad.net.proxy import Proxy, ProxyKind

OPEN = Proxy(ProxyKind.HTTP, "proxy.example", 3128)
WITH_ACCOUNT = Proxy(ProxyKind.HTTP, "proxy.example", 3128, "ann", "päss:word")
GREETING = b"220 mail.example ESMTP\r\n"


def asked(proxy: Proxy = OPEN, host: str = "mail.example", port: int = 587) -> HttpConnect:
    return HttpConnect(proxy, host, port)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("mail.example", "mail.example:587"),
        ("Mail.Example", "mail.example:587"),
        ("mail.münchen.example", "mail.xn--mnchen-3ya.example:587"),
        ("192.0.2.7", "192.0.2.7:587"),
        ("2001:db8::7", "[2001:db8::7]:587"),
    ],
)
def test_the_request(host: str, target: str) -> None:
    # RFC 9110 §9.3.6, §7.2
    assert asked(host=host).opening().decode() == f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"


def test_logging_in() -> None:
    lines = asked(WITH_ACCOUNT).opening().split(b"\r\n")
    (field,) = [line for line in lines if line.startswith(b"Proxy-Authorization: Basic ")]
    assert base64.b64decode(field.rpartition(b" ")[2]).decode() == "ann:päss:word"  # RFC 7617 §2.1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nProxy-agent: x/1\r\nVia: 1.1 y\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 204 \r\nContent-Length: 7\r\n\r\n",  # §9.3.6: a length here means nothing
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_connected(answer: bytes) -> None:
    whole = asked()
    assert whole.receive(answer + GREETING) == b""
    assert whole.done
    assert whole.rest == GREETING
    by_octet = asked()
    for octet in answer:
        assert not by_octet.done
        by_octet.receive(bytes([octet]))
    assert by_octet.done
    assert by_octet.rest == b""


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (b"400 Bad Request", ProxyRefused),
        (b"403 Forbidden", ProxyRefused),
        (b"404 Not Found", ProxyRefused),
        (b"405 Method Not Allowed", ProxyRefused),
        (b"501 Not Implemented", ProxyRefused),
        (b"408 Request Timeout", ConnectError),
        (b"429 Too Many Requests", ConnectError),
        (b"500 Oops", ConnectError),
        (b"502 Bad Gateway", ConnectError),
        (b"503 Service Unavailable", ConnectError),
        (b"504 Gateway Timeout", ConnectError),
        (b"302 Found", ProxyError),
        (b"101 Switching Protocols", ProxyError),
    ],
)
def test_a_refused_host_is_not_a_missing_proxy(status: bytes, kind: type[ConnectError]) -> None:
    with pytest.raises(ConnectError, match=r"mail\.example:587") as caught:
        asked().receive(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\nsorry")
    assert type(caught.value) is kind
    assert status.decode() in str(caught.value)
    assert "http://proxy.example:3128" in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "fields", "what"),
    [
        (OPEN, b"Proxy-Authenticate: Basic realm=x\r\n", "wants a user name and a password"),
        (WITH_ACCOUNT, b"Proxy-Authenticate: Basic realm=x\r\n", "refused user name and password"),
        (WITH_ACCOUNT, b"", "refused user name and password"),
        (WITH_ACCOUNT, b"proxy-authenticate:NTLM\r\nProxy-Authenticate: Negotiate\r\n", "by NTLM, Negotiate;"),
    ],
)
def test_who_must_log_in(proxy: Proxy, fields: bytes, what: str) -> None:
    with pytest.raises(ProxyRefused) as caught:
        asked(proxy).receive(b"HTTP/1.1 407 Proxy Authentication Required\r\n" + fields + b"\r\n")
    assert what in str(caught.value)
    assert "päss" not in repr(caught.value) + str(caught.value)


def received(negotiation: HttpConnect, answer: bytes) -> None:
    for start in range(0, len(answer), 4096):
        negotiation.receive(answer[start : start + 4096])


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (GREETING, "does not speak HTTP"),
        (b"\x05\xff", "does not speak HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "does not answer CONNECT in HTTP/1.1"),
        (b"HTTP/1.1 OK\r\n\r\n", "does not answer CONNECT in HTTP/1.1"),
        (b"HTTP/1.9 200 OK\r\n\r\n", "does not answer CONNECT in HTTP/1.1"),
        (b"HTTP/2 200 OK\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * ANSWER_LIMIT, "answers more than"),
        (b"HTTP/1.1 200 " + b"x" * ANSWER_LIMIT, "answers more than"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * ANSWER_LIMIT, "answers more than"),
    ],
)
def test_what_is_no_answer(answer: bytes, what: str) -> None:
    with pytest.raises(ProxyError, match=what) as caught:
        received(asked(), answer)
    assert len(str(caught.value)) < 300


def test_what_a_proxy_says_drives_no_terminal() -> None:
    with pytest.raises(ConnectError) as caught:
        asked().receive(b"HTTP/1.1 502 \x1b[31mred\x07" + b"y" * 900 + b"\r\n\r\n")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("host", ["mail.example\r\nX: y", "mail\x00.example", "two words", "", "a@b", "a/b", "a..b"])
def test_a_host_that_is_none(host: str) -> None:
    """P14: control characters in the host of a CONNECT."""
    with pytest.raises((ConfigurationError, UnicodeError)):
        asked(host=host)


noise = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"HTTP/1.1 ", b"200", b" ", b"\r\n", b"\n", b"\r\n\r\n", b"100", b"407", b"Proxy-Authenticate: "]),
)


@given(st.lists(noise, max_size=12), st.booleans())
def test_any_octets_are_an_answer_or_an_error_of_ours(chunks: list[bytes], account: bool) -> None:
    negotiation, told = asked(WITH_ACCOUNT if account else OPEN), ""
    try:
        for chunk in chunks:
            if not negotiation.done:
                negotiation.receive(chunk)
    except ConnectError as fault:
        told = str(fault)
    assert told.isprintable()
    assert "päss" not in told


@given(st.lists(noise, max_size=12).map(b"".join), st.data())
def test_the_pieces_make_no_difference(answer: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    assert _outcome(answer, [len(answer)]) == _outcome(answer, [*cuts, len(answer)])


def _outcome(answer: bytes, cuts: list[int]) -> tuple[object, ...]:
    negotiation, at = asked(), 0
    try:
        for cut in cuts:
            if not negotiation.done:
                negotiation.receive(answer[at:cut])
                at = cut
    except ConnectError as error:
        return type(error), str(error)
    return negotiation.done, negotiation.rest + answer[at:] if negotiation.done else b""
