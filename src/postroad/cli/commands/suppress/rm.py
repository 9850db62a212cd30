"""``postroad suppress rm``."""

from typing import TYPE_CHECKING

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.suppressed import say_entries
from postroad.cli.terminal import note
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.blocking import Outbox
    from postroad.suppression.entry import Suppression


@click.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--stream", metavar="NAME", help="The entry for this stream; else the one for all streams.")
@database_option
@form_options
def rm(form: Form, db: str | None, addresses: tuple[str, ...], stream: str | None) -> None:
    """Take addresses off the list, and print what stood there.

    An entry for one stream stays unless that is named: whoever unsubscribed from it has not asked for it again. If an
    address was not on the list, the exit code is 4.
    """
    with existing_outbox_of(db) as outbox:
        removed = [(address, outbox.suppressions.remove(address, stream=stream)) for address in addresses]
        _say_what_stays(outbox, addresses)
    gone = [entry for _, entry in removed if entry is not None]
    if form is not Form.TEXT:
        say_json_list("suppressions", [entry.as_dict() for entry in gone], form)
    elif gone:
        say_entries(gone)
    absent = [address for address, entry in removed if entry is None]
    for address in absent:
        note(f"{one_line(address)} was not on the list{_of(stream)}")
    if absent:
        raise Ended(ExitCode.NOT_FOUND)


def _say_what_stays(outbox: "Outbox", addresses: tuple[str, ...]) -> None:
    stays: list[Suppression] = [entry for address in addresses for entry in outbox.suppressions.find(address)]
    for entry in stays:
        note(f"{one_line(entry.address)} is still on the list{_of(entry.stream)} ({entry.reason})")


def _of(stream: str | None) -> str:
    return f" for the stream {one_line(stream)}" if stream else " for all streams"
