"""``postroad outbox stats``."""

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import colour_of, moment, span
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.table import Cell, Column, say_table
from postroad.cli.terminal import say, styled
from postroad.terminal_text import one_line


@click.command()
@database_option
@form_options
def stats(form: Form, db: str | None) -> None:
    """Count the recipients in each state."""
    with existing_outbox_of(db) as outbox:
        numbers = outbox.stats()
    if form is not Form.TEXT:
        say_json({"states": dict(numbers.states), "oldest_ready_seconds": numbers.oldest_ready_seconds}, form)
        return
    rows = [(Cell(state, colour=colour_of(state) if count else None), count) for state, count in numbers.states.items()]
    say_table((Column("state"), Column("recipients")), rows)
    if numbers.oldest_ready_seconds is not None:
        say(f"The oldest that is due waits for {span(numbers.oldest_ready_seconds)}.")
    if numbers.uncertain_ever:
        say(f"{numbers.uncertain_ever} may have been delivered twice: an answer to the final dot was missing.")
    for one in numbers.suspensions:
        until = f"until {moment(one.until)}" if one.until else "until somebody resumes it"
        say(styled(f"The {one.scope} {one_line(one.key)} rests {until}: {one_line(one.why)}", "yellow"))
