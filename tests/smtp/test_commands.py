"""Command lines: each one that was asked for, and no other."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.address import Address
from postroad.errors import ConfigurationError, PostroadError, ProtocolError
from postroad.smtp import commands

LINE = re.compile(rb"[^\x00-\x1f\x7f]+\r\n")


def test_mail_with_every_parameter_and_with_none() -> None:
    ann = Address("ann@a.example")
    assert commands.mail(ann, size=None, eight_bit=False, smtputf8=False) == b"MAIL FROM:<ann@a.example>\r\n"
    assert (
        commands.mail(ann, size=42, eight_bit=True, smtputf8=True)
        == b"MAIL FROM:<ann@a.example> SIZE=42 BODY=8BITMIME SMTPUTF8\r\n"
    )
    assert commands.mail(None, size=None, eight_bit=False, smtputf8=False) == b"MAIL FROM:<>\r\n"


def test_a_display_name_stays_out_of_the_envelope() -> None:
    named = Address("bob@b.example", "Bob> SIZE=1 <x")
    assert commands.rcpt(named) == b"RCPT TO:<bob@b.example>\r\n"


# What an attacker would try first, and anything.
hostile = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            ["a@b.example", "\r\n", "\n", "\r", "\0", "RCPT TO:<x@y.example>", ">", "<", " ", "\x85", '"', "@", "ü"]
        ),
        max_size=6,
    ).map("".join),
)


@given(hostile, hostile)
def test_no_address_makes_a_second_command_or_parameter(local: str, domain: str) -> None:
    for text in (local, f"{local}@{domain}", f"{local}@b.example", f"ann@{domain}"):
        with contextlib.suppress(PostroadError):
            address = Address.parse(text)
            for wire in (commands.rcpt(address), commands.mail(address, size=1, eight_bit=False, smtputf8=False)):
                assert LINE.fullmatch(wire), wire
                assert wire.count(b"<") == wire.count(b">") == 1
                path = wire[wire.index(b"<") + 1 : wire.index(b">")]
                assert path == address.addr_spec.encode()
                assert b" " not in path or path.startswith(b'"')


@given(hostile)
def test_no_ehlo_name_makes_a_second_command(name: str) -> None:
    if not commands.is_ehlo_name(name):
        with pytest.raises(ConfigurationError) as caught:
            commands.checked_ehlo_name(name)
        assert caught.value.setting == "ehlo"
        assert str(caught.value).isprintable()
        return
    checked = commands.checked_ehlo_name(name)
    assert LINE.fullmatch(commands.line(f"EHLO {checked}"))
    assert " " not in checked


@pytest.mark.parametrize("name", ["a", "mail.example.com", "xn--bcher-kva.example", "[127.0.0.1]", "[IPv6:::1]"])
def test_good_ehlo_names(name: str) -> None:
    assert commands.checked_ehlo_name(name) == name
    assert commands.is_ehlo_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a\r\nMAIL", "bücher.example", "[", "[]", "a" * 256, "a_b"])
def test_bad_ehlo_names(name: str) -> None:
    assert not commands.is_ehlo_name(name)
    with pytest.raises(ConfigurationError, match="neither a host name"):
        commands.checked_ehlo_name(name)


@given(hostile)
def test_the_last_guard_lets_no_control_character_through(text: str) -> None:
    try:
        wire = commands.line(f"NOOP {text}")
    except (ProtocolError, UnicodeEncodeError):
        return
    assert LINE.fullmatch(wire)


def test_a_command_has_an_end() -> None:
    assert len(commands.line("x" * (commands.MAX_COMMAND_OCTETS - 2))) == commands.MAX_COMMAND_OCTETS
    with pytest.raises(ProtocolError, match="longer than 1012 octets"):
        commands.line("x" * (commands.MAX_COMMAND_OCTETS - 1))
