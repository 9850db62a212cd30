"""``postroad dkim dns``."""

import click

from postroad.cli.key_options import checked_names, domain_option, key_of, key_option, say_record, selector_option
from postroad.cli.output import Form, form_options


@click.command()
@key_option
@domain_option
@selector_option
@click.option("--revoked", is_flag=True, help="The record that says that the key is no longer good.")
@form_options
def dns(form: Form, key: str, domain: str, selector: str, revoked: bool) -> None:
    """Show the record that publishes a key, ready to paste into a zone file."""
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.mailauth.dkim.record import record_text, revoked_text

    found = key_of(key)
    domain, selector = checked_names(domain, selector)
    text = revoked_text(found.kind) if revoked else record_text(found)
    say_record(selector, domain, text, form, algorithm=found.algorithm, bits=found.bits)
