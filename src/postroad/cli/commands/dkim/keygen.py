"""``postroad dkim keygen``."""

import sys
from pathlib import Path

import click

from postroad.cli.key_options import checked_names, domain_option, kind_option, say_record, selector_option, write_key
from postroad.cli.output import Form, form_options
from postroad.cli.terminal import note
from postroad.terminal_text import one_line


@click.command()
@domain_option
@selector_option
@kind_option
@click.option("--bits", metavar="N", type=click.IntRange(1024, 4096), help="Of RSA, 2048 if nothing is said.")
@click.option("--out", metavar="FILE", help="The private key; else SELECTOR._domainkey.DOMAIN.pem here. -: to stdout.")
@form_options
def keygen(form: Form, domain: str, selector: str, kind: str, bits: int | None, out: str | None) -> None:
    """Make a key, and show the record that publishes it.

    The file is readable by its owner alone, and an existing one is never overwritten. Publish the record, and sign when
    it can be seen everywhere, which takes as long as the zone's negative answers are kept.
    """
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.mailauth.dkim.keys import RSA_BITS, KeyKind, generate
    from postroad.mailauth.dkim.record import record_name, record_text

    domain, selector = checked_names(domain, selector)
    if bits is not None and kind != KeyKind.RSA:
        raise click.UsageError("--bits is for RSA; every Ed25519 key has 256")
    if out == "-" and form is not Form.TEXT:
        raise click.UsageError("--out - writes the key to standard output, where JSON would stand; name a file")
    key = generate(KeyKind(kind), bits=bits or RSA_BITS)
    if out == "-":
        sys.stdout.write(key.pem().decode("ascii"))
        note(f"record: {record_name(selector, domain)} TXT {record_text(key)}")
        return
    path = Path(out or f"{record_name(selector, domain)}.pem")
    write_key(path, key)
    note(f"private key: {one_line(str(path))} ({key.algorithm}, {key.bits} bits)")
    say_record(selector, domain, record_text(key), form, file=str(path), algorithm=key.algorithm, bits=key.bits)
