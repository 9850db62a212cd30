"""``postroad outbox stats``."""

from typing import TYPE_CHECKING, Final

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import colour_of, moment, span
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.rest_options import told
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import say, styled

if TYPE_CHECKING:
    from postroad.outbox.status import SiteStats

_SITES: Final = (
    Column("site", whole=True),
    Column("ready"),
    Column("scheduled"),
    Column("oldest due"),
    Column("rests"),
)


@click.command()
@click.option("--by-site", is_flag=True, help="What waits for each site, too, the longest queue first.")
@database_option
@form_options
def stats(form: Form, db: str | None, by_site: bool) -> None:
    """Count the recipients in each state."""
    with existing_outbox_of(db) as outbox:
        numbers = outbox.stats(by_site=by_site)
    if form is not Form.TEXT:
        sites = {} if numbers.sites is None else {"sites": [one.as_dict() for one in numbers.sites]}
        counts = {"states": dict(numbers.states), "oldest_ready_seconds": numbers.oldest_ready_seconds}
        say_json({**counts, **sites}, form)
        return
    rows = [(Cell(state, colour=colour_of(state) if count else None), count) for state, count in numbers.states.items()]
    say_table((Column("state"), Column("recipients")), rows)
    if numbers.sites:
        say()
        say_table(_SITES, [_site_row(one) for one in numbers.sites])
    if numbers.oldest_ready_seconds is not None:
        say(f"The oldest that is due waits for {span(numbers.oldest_ready_seconds)}.")
    if numbers.uncertain_ever:
        say(f"{numbers.uncertain_ever} may have been delivered twice: an answer to the final dot was missing.")
    for one in numbers.suspensions:
        say(styled(f"T{told(one)[1:]}", "yellow"))


def _site_row(one: "SiteStats") -> Row:
    oldest = "" if one.oldest_ready_seconds is None else span(one.oldest_ready_seconds)
    rest = one.suspension
    until = "" if rest is None else f"until {moment(rest.until)}" if rest.until else "until it is resumed"
    return (one.site, one.ready, one.scheduled, oldest, Cell(until, colour="yellow"))
