"""``postroad dkim sign``."""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.key_options import domain_option, key_of, key_option, selector_option
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.references import bytes_value
from postroad.cli.terminal import note
from postroad.clock import SYSTEM_CLOCK
from postroad.errors import ConfigurationError, MessageError
from postroad.mailauth.header_section import divided, read, with_crlf
from postroad.terminal_text import one_line

_BARE_CR: Final = re.compile(rb"\r(?!\n)")

if TYPE_CHECKING:
    from postroad.mailauth.dkim.canonical import Canon
    from postroad.mailauth.dkim.sign import Signer


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(), nargs=-1, required=True)
@key_option
@domain_option
@selector_option
@click.option(
    "--canon", metavar="HEADER/BODY", default="relaxed/relaxed", show_default=True,
    help="What may change on the way: nothing (simple), or white space (relaxed).",
)  # fmt: skip
@click.option("--valid-for", metavar="SECONDS", type=click.IntRange(1), help="End the signature after so long (x=).")
@click.option("--out", metavar="DIR", type=click.Path(), help="Write into this folder, under the same file names.")
@form_options
def sign(
    form: Form,
    files: tuple[str, ...],
    key: str,
    domain: str,
    selector: str,
    canon: str,
    valid_for: int | None,
    out: str | None,
) -> None:
    """Sign messages.

    A FILE is a message; - is standard input. One signed message goes to standard output, several into the folder that
    --out names; with --json and no folder only the signature fields are told. A message keeps its own line ends; what
    is signed is always the form with CRLF.
    """
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.mailauth.dkim.sign import Signer

    if out is None and len(files) > 1 and form is Form.TEXT:
        raise click.UsageError("several messages need --out DIR")
    paths = None if out is None else _paths(files, Path(out))
    signer = Signer(domain, selector, key_of(key), _canon(canon), valid_for)
    signed = [_signed(name, signer) for name in files]  # all of them, before any is written
    if paths is not None:
        for path, (fields, content) in zip(paths, signed, strict=True):
            _write(path, fields + content)
        note(f"{len(files)} signed for {one_line(signer.domain)}, into {one_line(str(out))}")
    if form is not Form.TEXT:
        items = [
            {"file": name, "field": fields.decode("ascii")} for name, (fields, _) in zip(files, signed, strict=True)
        ]
        say_json_list("messages", items, form)
    elif paths is None:
        sys.stdout.buffer.write(b"".join(signed[0]))
        sys.stdout.buffer.flush()


def _canon(text: str) -> "Canon":
    from postroad.mailauth.dkim.canonical import Canon

    try:
        return Canon.read(text)
    except ValueError:
        raise click.UsageError(f"--canon is relaxed/relaxed, relaxed/simple and so on, not {text!a:.80}") from None


def _signed(name: str, signer: "Signer") -> tuple[bytes, bytes]:
    """The signature field, and the message as it was."""
    from postroad.mailauth.dkim.sign import sign as fields_of

    content = _message_of(name)
    try:
        fields = fields_of(read(content), [signer], at=SYSTEM_CLOCK.now())
    except MessageError as fault:
        raise MessageError(f"FILE: {name!a:.200}: {fault.message}", field="FILE", advice=fault.advice) from fault
    if b"\r\n" not in content:
        fields = fields.replace(b"\r\n", b"\n")
    return fields, content


def _message_of(name: str) -> bytes:
    """A message in a file, without the line that a mailbox file has above it (RFC 4155).

    Raises:
        MessageError: it cannot be read, or its header has a CR without LF: what is sent must be signed (RFC 6376 §5.3).
    """
    content = bytes_value(name, "FILE")
    if content.startswith(b"From "):
        content = content.partition(b"\n")[2]
    header = divided(with_crlf(content))[0]
    if found := _BARE_CR.search(header):
        line = header.count(b"\n", 0, found.start()) + 1
        raise MessageError(
            f"FILE: {name!a:.200}: a bare CR in line {line}", field="FILE",
            advice="Lines end in CRLF or in LF; write the file anew with one of them.",
        )  # fmt: skip
    return content


def _paths(files: tuple[str, ...], folder: Path) -> list[Path]:
    names = [Path(name.removeprefix("@")).name for name in files]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if "-" in names or twice:
        what = "standard input has no file name" if "-" in names else f"{twice[0]!a:.200} is the name of several files"
        raise click.UsageError(f"--out: {what}")
    return [folder / name for name in names]


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as fault:
        sentence = f"--out: cannot write {str(path)!a:.200}: {fault.strerror}"
        raise ConfigurationError(sentence, setting="--out") from fault
