"""Which providers there are. Each is loaded when a route names it, because most programs use one or none."""

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from postroad.providers.contract import Provider
    from postroad.providers.emulator import Emulator
    from postroad.providers.event import Receiver


class Entry(NamedTuple):
    """Where the provider's classes are: ``send.kind``, ``emulate.kindEmulator``, ``events.kindReceiver``."""

    folder: str
    kind: str


_HERE: Final = "postroad.providers"

PROVIDERS: Final = {
    "mailgun": Entry(f"{_HERE}.mailgun", "Mailgun"),
    "postmark": Entry(f"{_HERE}.postmark", "Postmark"),
    "resend": Entry(f"{_HERE}.resend", "Resend"),
    "sendgrid": Entry(f"{_HERE}.sendgrid", "SendGrid"),
    "ses": Entry(f"{_HERE}.ses", "Ses"),
}


def provider_class(name: str) -> "type[Provider]":
    """The class of the provider that a URL scheme names."""
    entry = PROVIDERS[name]
    found: type[Provider] = getattr(import_module(f"{entry.folder}.send"), entry.kind)
    return found


def emulator_class(name: str) -> "type[Emulator]":
    """The class of the provider's own side, for tests."""
    entry = PROVIDERS[name]
    found: type[Emulator] = getattr(import_module(f"{entry.folder}.emulate"), f"{entry.kind}Emulator")
    return found


def receiver_class(name: str) -> "type[Receiver]":
    """The class that reads the provider's webhooks."""
    entry = PROVIDERS[name]
    found: type[Receiver] = getattr(import_module(f"{entry.folder}.events"), f"{entry.kind}Receiver")
    return found
