"""``--domain``, ``--selector``, ``--key``: which DKIM key, the same for every command that takes one."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.output import Form, say_json
from postroad.cli.references import is_reference
from postroad.cli.terminal import note, say
from postroad.errors import ConfigurationError
from postroad.secret import Secret
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.mailauth.dkim.keys import SigningKey

_MODE: Final = 0o600  # a private key is its owner's alone

domain_option = click.option("--domain", metavar="DOMAIN", required=True, help="The signing domain (d=).")
selector_option = click.option("--selector", metavar="NAME", required=True, help="Where the key is published (s=).")
key_option = click.option(
    "--key", metavar="FILE", required=True, help="The private key: PEM, or an Ed25519 seed in base64; also env:NAME."
)
kind_option = click.option(
    "--kind", "--type", "kind", type=click.Choice(["rsa", "ed25519"]), default="rsa", show_default=True,
    help="Every verifier knows RSA; not every one Ed25519.",
)  # fmt: skip


def key_of(value: str) -> "SigningKey":
    """The key that ``--key`` names.

    Raises:
        ConfigurationError: it cannot be read, or is no key.
    """
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.mailauth.dkim.keys import read_key
    from postroad.mailer.key_file import key_in_file

    if is_reference(value) and not value.startswith("@"):
        return read_key(Secret.ref(value).reveal())
    return key_in_file(value.removeprefix("@"), "--key")


def write_key(path: Path, key: "SigningKey") -> None:
    """Put a key into a new file that only its owner may read.

    Raises:
        ConfigurationError: there is such a file, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except OSError as fault:
        raise _unwritable(path, fault) from fault
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.pem())
    except OSError as fault:
        path.unlink()  # a part of a key is none, and would stand in the way of the next one
        raise _unwritable(path, fault) from fault


def _unwritable(path: Path, fault: OSError) -> ConfigurationError:
    advice = "Another name is given with --out; a key that is in use must not get lost."
    sentence = f"--out: cannot write {str(path)!a:.200}: {fault.strerror}"
    return ConfigurationError(sentence, setting="--out", advice=advice)


def say_record(selector: str, domain: str, text: str, form: Form, **more: Any) -> None:
    """A record that is to be published: ready to paste, or as JSON."""
    from postroad.mailauth.dkim.record import record_name, txt_strings, zone_line  # late: see key_of

    name = record_name(selector, domain)
    line = zone_line(name, text)
    if form is Form.TEXT:
        say(line)
        note(f"in a control panel: name {one_line(name)}, type TXT, value without quotes: {one_line(text)}")
    else:
        say_json(
            {"name": name, "type": "TXT", "value": text, "strings": list(txt_strings(text)), "zone": line, **more}, form
        )


def checked_names(domain: str, selector: str) -> tuple[str, str]:
    """Both, if a key can be published there; the domain in A-labels.

    Raises:
        ConfigurationError: naming the one that is none.
    """
    from postroad.mailauth.dkim.sign import checked_names as names  # late: see key_of

    return names(domain, selector)
