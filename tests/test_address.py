"""One mailbox: what is one, what is none, and that it is read in one way only."""

import copy
import pickle
from email.headerregistry import Address as StandardAddress
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.address import MAX_ADDRESS_OCTETS, MAX_LOCAL_OCTETS, Address, first_control
from postroad.errors import AddressError, MessageError
from tests.message.strategies import addr_specs, addresses, header_texts

# What it reads


@pytest.mark.parametrize(
    ("text", "local", "domain", "name"),
    [
        ("ann@example.com", "ann", "example.com", ""),
        (" ann@example.com\t", "ann", "example.com", ""),
        ("Ann@EXAMPLE.com", "Ann", "example.com", ""),
        ("<ann@example.com>", "ann", "example.com", ""),
        ("Ann Example <ann@example.com>", "ann", "example.com", "Ann Example"),
        ("Ann Example<ann@example.com>", "ann", "example.com", "Ann Example"),
        ('"Example, Ann" <ann@example.com>', "ann", "example.com", "Example, Ann"),
        ('"say \\"hi\\" \\\\" <ann@example.com>', "ann", "example.com", 'say "hi" \\'),
        ('"a <b" <ann@example.com>', "ann", "example.com", "a <b"),
        ("Jörg Müller <j@example.com>", "j", "example.com", "Jörg Müller"),
        ("J. Doe <j@example.com>", "j", "example.com", "J. Doe"),
        ("👩‍👧 <j@example.com>", "j", "example.com", "👩‍👧"),  # with a joiner, which is no printable character
        ("a.b+c!#$%&'*/=?^_`{|}~-@example.com", "a.b+c!#$%&'*/=?^_`{|}~-", "example.com", ""),
        ('"two words"@example.com', '"two words"', "example.com", ""),
        ("root@localhost", "root", "localhost", ""),
        ("a@xn--bcher-kva.example", "a", "xn--bcher-kva.example", ""),
        ("a@bücher.example", "a", "xn--bcher-kva.example", ""),
        ("a@BÜCHER.example", "a", "xn--bcher-kva.example", ""),
        (
            "a@straße.example",
            "a",
            "xn--strae-oqa.example",
            "",
        ),  # IDNA 2008: ß is a letter, not ss
        ("a@例子.example", "a", "xn--fsqu00a.example", ""),
        ("jörg@example.com", "jörg", "example.com", ""),
        ("用户@例子.example", "用户", "xn--fsqu00a.example", ""),
        ("a@[192.0.2.1]", "a", "[192.0.2.1]", ""),
        ("a@[IPv6:2001:DB8::1]", "a", "[IPv6:2001:db8::1]", ""),
        ("a@1and1.example", "a", "1and1.example", ""),
        ("a" * 64 + "@example.com", "a" * 64, "example.com", ""),
    ],
)
def test_mailboxes(text: str, local: str, domain: str, name: str) -> None:
    address = Address.parse(text)
    assert (address.local, address.domain, address.display_name) == (local, domain, name)
    assert address.addr_spec == f"{local}@{domain}"
    assert Address.parse(address) is address


# What it refuses, and how it says so


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no @"),
        ("ann", "no @"),
        ("@example.com", "nothing stands before the @"),
        ("ann@", "nothing stands after the @"),
        ("ann@@example.com", "'@'"),
        ("ann@example..com", "single dots"),
        ("ann@.example.com", "single dots"),
        ("ann@example.com.", "a dot at the end"),
        ("ann@-example.com", "hyphens"),
        ("ann@example_1.com", "underscore"),
        ("ann@exam ple.com", "labels are"),
        ("ann@" + "a" * 64 + ".com", "63 octets"),
        ("ann@" + "a." * 130 + "com", "longer than 255 octets"),
        ("ann@" + "ä" * 300, "longer than 255 octets"),
        ("ann@" + ".".join(["ä" * 45] * 5), "not a valid international domain name"),
        ("a" * 65 + "@example.com", "64 octets"),
        ("ä" * 33 + "@example.com", "64 octets"),
        ("a" * 60 + "@" + ".".join(["b" * 60] * 4), "254 octets"),
        (".ann@example.com", "dot"),
        ("ann.@example.com", "dot"),
        ("a..nn@example.com", "dot"),
        ("a nn@example.com", "' '"),
        ('a"nn@example.com', "'\"'"),
        ('"a@b"@example.com', "'\"'"),
        ('"a\\"b"@example.com', "'\"'"),
        ('"a>b"@example.com', "'\"'"),
        ('""@example.com', "'\"'"),
        ("ann@example.com(comment)", "labels are"),
        ("user@good-corp.example(x)evil.example", "labels are"),
        ("(x)ann@example.com", "'('"),
        ("a@b.example> SIZE=1", "labels are"),
        ("<@hop.example:ann@example.com>", "'@'"),
        ("ann@example.com, bo@example.com", "several addresses go in a list"),
        ("ann@example.com; bo@example.com", "several addresses go in a list"),
        ("Ann <ann@example.com>, Bo <bo@example.com>", "several addresses go in a list"),
        ("grp: ann@example.com;", "several addresses go in a list"),
        ("Ann ann@example.com>", "a closing > without an opening <"),
        ("Ann <ann@example.com", "an opening < without a closing >"),
        ("Doe, Ann <ann@example.com>", "double quotes"),
        ("Ann (work) <ann@example.com>", "double quotes"),
        ("Ann <x> <ann@example.com>", "double quotes"),
        ("=?utf-8?q?j=C3=B6rg?=@example.com", "encoded word"),
        ("ann\r\nRCPT TO:<x@example.com>@example.com", "U+000D"),
        ("ann@example.com\n", "U+000A"),
        ("Ann\0 <ann@example.com>", "U+0000"),
        ("Ann\u2028 <ann@example.com>", "U+2028"),
        ("a\x85@example.com", "U+0085"),
        ("a\ud800@example.com", "surrogate"),
        ("a\u200bb@example.com", "invisible character (U+200B)"),
        ("a\u00a0b@example.com", "invisible character (U+00A0)"),
        ("a@exa\u200bmple.com\n", "U+000A"),
        ("a@\u2603\u0301-.example", "not a valid international domain name"),
        ("a@\uff20.example", "not a valid international domain name"),
        ("a@[192.0.2.256]", "not a valid address literal"),
        ("a@[IPv6:xyz]", "not a valid address literal"),
        ("a@[example.com]", "not a valid address literal"),
    ],
)
def test_what_is_no_mailbox(text: str, said: str) -> None:
    with pytest.raises(AddressError) as refused:
        Address.parse(text)
    error = refused.value
    assert said in error.message
    assert error.message.isprintable()
    assert len(error.message) < 300
    assert isinstance(error, MessageError)


@pytest.mark.parametrize("value", [None, b"a@b.example", 1, ["a@b.example"]])
def test_what_is_no_text(value: object) -> None:
    with pytest.raises(AddressError, match="not"):
        Address.parse(value)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(AddressError, match="not"):
        Address("a@b.example", value)  # type: ignore[arg-type]  # what is refused


# The value


def test_it_equals_its_text() -> None:
    address = Address.parse('"B, Ann" <ann@Example.com>')
    assert str(address) == '"B, Ann" <ann@example.com>'
    assert address == '"B, Ann" <ann@example.com>'
    assert {address: 1}['"B, Ann" <ann@example.com>'] == 1  # type: ignore[index]  # equal and of one hash
    assert address != "ann@example.com"
    assert address.bare == "ann@example.com"
    assert address.bare.bare == address.bare
    assert address != Address("ann@example.com")
    assert (address == 1) is False


def test_the_key_folds_the_case_of_the_local_part() -> None:
    assert Address("Ann@Example.com").key == Address("aNN@example.COM", "Ann").key == "ann@example.com"
    assert Address("JÖRG@example.com").key == Address("jörg@example.com").key
    assert Address("Ann@example.com") != Address("ann@example.com")


def test_smtputf8() -> None:
    assert Address("jörg@example.com").needs_smtputf8
    assert not Address("joerg@bücher.example", "Jörg").needs_smtputf8


def test_it_does_not_change() -> None:
    address = Address("ann@example.com", "Ann")
    for name in ("local", "domain", "display_name", "_text", "new"):
        with pytest.raises(AttributeError):
            setattr(address, name, "x")
        with pytest.raises(AttributeError):
            delattr(address, name)
    for twin in (pickle.loads(pickle.dumps(address)), copy.copy(address), copy.deepcopy(address)):
        assert twin == address
        assert twin.display_name == "Ann"
    assert repr(address) == "Address('Ann <ann@example.com>')"


# What holds for all


@given(addresses)
def test_its_text_is_read_back(address: Address) -> None:
    assert Address.parse(str(address)) == address
    assert Address(address.addr_spec, address.display_name) == address
    assert Address.parse(address.addr_spec) == address.bare


@given(st.text() | st.text(st.sampled_from('ab.@<>"\\ ,;:()[]\r\n\0éß')))
def test_any_text_is_one_mailbox_or_none(text: str) -> None:
    try:
        address = Address.parse(text)
    except AddressError as error:
        assert error.message.isprintable()  # noqa: PT017 - this is the other good end
        return
    assert first_control(str(address)) == -1
    assert address.domain.isascii()
    assert address.domain == address.domain.lower().replace("[ipv6", "[IPv6")
    assert not set(address.addr_spec) & set("<>\r\n\0\t")
    assert len(address.local.encode()) <= MAX_LOCAL_OCTETS
    assert len(address.addr_spec.encode()) <= MAX_ADDRESS_OCTETS
    assert Address.parse(str(address)) == address


@given(addr_specs)
def test_other_readers_read_the_same(spec: str) -> None:
    """Both parsers of the standard library see the mailbox that we see."""
    address = Address.parse(spec)
    assert getaddresses([spec]) == [("", spec)]
    other = StandardAddress(addr_spec=spec)
    assert (other.username, other.domain.lower()) == (address.local, address.domain)


@given(header_texts)
def test_any_name_can_stand_before_an_address(name: str) -> None:
    address = Address("ann@example.com", name)
    assert address.display_name == name.strip()
    if address.display_name.isascii():
        assert getaddresses([str(address)]) == [(address.display_name, "ann@example.com")]
