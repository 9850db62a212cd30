"""``env:`` and ``file:``: what is at hand, so it is read each time."""

import os
from typing import Final

from postroad.net.secrets.finding import Finding
from postroad.secret import Reference

MAX_OCTETS: Final = 1 << 20  # of a file; a secret has a few dozen, and a wrong path may name anything


def read_variable(reference: Reference) -> Finding:
    """The environment variable. An empty one counts as not set: that is how container tools pass what was left out."""
    value = os.environ.get(reference.name, "")
    return Finding.found(value) if value else Finding(None, f"the environment variable {reference.name} is not set")


def read_file(reference: Reference) -> Finding:
    """The file's text, without the line end that editors put at the end."""
    try:
        with open(reference.name, "rb") as file:  # noqa: PTH123 - as it is written, without pathlib's opinion
            content = file.read(MAX_OCTETS + 1)
    except (OSError, ValueError) as fault:
        return Finding(None, f"cannot read it: {getattr(fault, 'strerror', None) or fault}")
    if len(content) > MAX_OCTETS:
        return Finding(None, f"it holds more than {MAX_OCTETS} octets")
    return from_octets(content)


def from_octets(content: bytes) -> Finding:
    """UTF-8 text; line ends at its end belong to the file or the program, not to the secret."""
    try:
        return Finding.found(content.decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        return Finding(None, "it is not UTF-8")
