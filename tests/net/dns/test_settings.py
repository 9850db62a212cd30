"""Whom to ask: what the settings say, else what the machine uses."""

from pathlib import Path

import pytest

from postroad.errors import ConfigurationError
from postroad.net.dns.settings import DnsSettings, Nameserver, Trust


@pytest.fixture
def resolv_conf(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# comment\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver\nnameserver here\nsearch acme.example\n"
        "nameserver 192.0.2.3\nnameserver 192.0.2.4\noptions edns0 trust-ad\n"
    )
    return path


def test_the_machine_says_whom_to_ask_and_to_trust(resolv_conf: Path) -> None:
    servers, trusted = DnsSettings().completed(resolv_conf)
    assert servers == (("192.0.2.1", 53), ("fe80::1%eth0", 53), ("192.0.2.3", 53))
    assert trusted


def test_what_the_settings_say_counts(resolv_conf: Path) -> None:
    settings = DnsSettings(nameservers=(Nameserver("::1", 5353),), trust=Trust.UNTRUSTED)
    assert settings.completed(resolv_conf) == ((("::1", 5353),), False)


def test_without_a_word_this_machine_is_asked_and_not_trusted(tmp_path: Path) -> None:
    assert DnsSettings().completed(tmp_path / "none") == ((("127.0.0.1", 53),), False)


def test_what_is_no_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is no address"):
        DnsSettings(nameservers=(Nameserver("dns.example"),))
    with pytest.raises(ConfigurationError, match="nameservers 0 is not"):
        DnsSettings(nameservers=(Nameserver("192.0.2.1", 0),))
    with pytest.raises(ConfigurationError, match="try_timeout"):
        DnsSettings(try_timeout=0)
