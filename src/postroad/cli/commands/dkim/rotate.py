"""``postroad dkim rotate``."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from postroad.cli.deliveries import moment
from postroad.cli.dns_option import dns_option, resolver_of
from postroad.cli.key_options import checked_names, domain_option, kind_option
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.terminal import note, say
from postroad.clock import SYSTEM_CLOCK, as_datetime

if TYPE_CHECKING:
    from postroad.cli.rotating import Rotation


@click.command()
@domain_option
@click.option("--keys", metavar="DIR", required=True, help="The folder of keys; made where it is missing.")
@kind_option
@click.option(
    "--renew-after", metavar="DAYS", type=click.IntRange(1), default=180, show_default=True, help="A key's age."
)
@click.option("--now", is_flag=True, help="Begin with a new key, however young the active one is.")
@click.option("--revoke", metavar="NAME", help="Revoke the key of this selector at once: others may have it.")
@dns_option
@form_options
def rotate(
    form: Form, domain: str, keys: str, kind: str, renew_after: int, now: bool, revoke: str | None, dns: str | None
) -> None:
    """Take the next step from one key to the next, and show what is to be published.

    Meant to be run every day: it makes a key when there is none or the active one is old, looks whether its record is
    in the DNS, lets it sign a day after it was first seen, retires the old one, and revokes that after two weeks. What
    has to be done by hand is told: publishing records. Keys of the other kind are left alone. A key whose record was
    revoked in the DNS (p= is empty), and one that --revoke names, signs no more, and the next one is made.
    """
    # Loaded only now: cryptography takes a tenth of a second, and --help needs none of it.
    from postroad.cli.rotating import Rotation
    from postroad.mailauth.dkim.keys import KeyKind
    from postroad.mailauth.dkim.rotation import Pace
    from postroad.mailer.key_folder import KeyFolder

    domain, _ = checked_names(domain, "x")
    rotation = Rotation(
        KeyFolder(keys), domain, KeyKind(kind), Pace(renew=renew_after * 86_400.0), resolver_of(dns), SYSTEM_CLOCK
    )
    if revoke is not None:
        rotation.revoke(revoke)
    asyncio.run(rotation.go(renew_now=now))
    if form is Form.TEXT:
        _say(rotation)
    else:
        say_json(_as_json(rotation), form)


def _say(rotation: "Rotation") -> None:
    for line in rotation.done:
        note(line)
    for record in rotation.to_publish:
        say(record.zone_line)
    for key, until in rotation.waiting:
        when = "" if until is None else f" until {moment(as_datetime(until))}"
        note(f"{key.selector} stays {key.state}{when}")
    if not (rotation.done or rotation.to_publish or rotation.waiting):
        note("nothing is to be done")


def _as_json(rotation: "Rotation") -> dict[str, Any]:
    return {
        "keys": [
            {
                "selector": key.selector,
                "kind": key.kind,
                "state": key.state,
                "since": as_datetime(key.since).isoformat(),
            }
            for key in rotation.kept()
        ],
        "publish": [
            {"name": record.name, "type": "TXT", "value": record.text, "zone": record.zone_line}
            for record in rotation.to_publish
        ],
        "done": list(rotation.done),
    }
