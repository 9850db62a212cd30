"""Who runs ``sendmail``, and in which domain a name without one belongs."""

import os
import pwd
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from postroad.address import Address
from postroad.errors import AddressError

# Debian Policy §11.6: "the domain part of addresses without one".
MAILNAME: Final = Path("/etc/mailname")


@dataclass(frozen=True, slots=True)
class Submitter:
    """``address`` is user@domain; ``full_name`` may be empty."""

    address: Address
    full_name: str

    @property
    def domain(self) -> str:
        """What is put behind a name that has no domain."""
        return self.address.domain


def current_submitter(mailname: Path = MAILNAME) -> Submitter:
    """The user whose process this is, at the domain of ``/etc/mailname``, else of the host name.

    ``NAME`` in the environment overrules the full name of the user database, as with other sendmails.
    """
    user, full_name = _user()
    domain = _domain(mailname)
    try:
        address = Address(f"{user}@{domain}")
    except AddressError:  # a user of a directory service may be called anything
        address = Address(f"uid-{os.getuid()}@{domain}")
    return Submitter(address, os.environ.get("NAME") or full_name)


def _user() -> tuple[str, str]:
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:  # as in a container that was given any number
        return f"uid-{os.getuid()}", ""
    # "&" stands for the name with a capital, and other things about the user follow behind a comma: passwd(5), finger.
    return entry.pw_name, entry.pw_gecos.partition(",")[0].replace("&", entry.pw_name.capitalize())


def _domain(mailname: Path) -> str:
    for name in (_first_line(mailname), socket.gethostname()):
        try:
            return Address(f"postmaster@{name}").domain
        except AddressError:
            continue
    return "localhost"


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""
