"""``postroad outbox show``."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import colour_of, moment, reply_text
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import say, styled
from postroad.clock import as_datetime
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.status import DeliveryStatus, MessageStatus

_STORY: Final = (Column("when", whole=True), Column("what", whole=True), Column("reply", below="route"))


@click.command()
@click.argument("id")
@database_option
@form_options
def show(form: Form, db: str | None, id: str) -> None:  # noqa: A002 - the word of the receipt
    """Show a message: for each recipient every attempt, and why."""
    with existing_outbox_of(db) as outbox:
        message = outbox.status(id)
    if form is not Form.TEXT:
        say_json(message.as_dict(), form)
        return
    _say_message(message)
    for delivery in message.recipients:
        _say_delivery(delivery)


def _say_message(message: "MessageStatus") -> None:
    facts = {
        "id": message.id,
        "subject": message.subject,
        "from": "<>" if message.mail_from is None else message.mail_from,
        "message-id": message.message_id,
        "stream": message.stream,
        "size": f"{message.size} octets",
        "queued": moment(message.created_at),
        "send at": moment(message.send_at),
        "expires at": moment(message.expires_at),
        "key": message.idempotency_key,
        "tags": ", ".join(message.tags),
        "metadata": ", ".join(f"{name}={value}" for name, value in message.metadata.items()),
    }
    for name, value in facts.items():
        if value:
            say(f"{styled(f'{name:11}', dim=True)} {one_line(value)}")


def _say_delivery(delivery: "DeliveryStatus") -> None:
    remarks = [
        f"{delivery.attempts} attempts" if delivery.attempts != 1 else "1 attempt",
        f"next {moment(delivery.due_at)}" if delivery.due_at else "",
        "may be double: an answer to the final dot was missing" if delivery.uncertain_ever else "",
        "assumed by policy" if delivery.assumed else "",
        f"a retry of number {delivery.retry_of}" if delivery.retry_of is not None else "",
    ]
    say()
    said = "; ".join(remark for remark in remarks if remark)
    state = styled(str(delivery.state), colour_of(delivery.state))
    say(f"{styled(one_line(delivery.recipient), bold=True)}  {state}  ({said})")
    rows = _story(delivery)
    if rows:
        say_table(_STORY, rows)


def _story(delivery: "DeliveryStatus") -> list[Row]:
    """Attempts and events, in the order in which they happened."""
    story: list[tuple[datetime, Row]] = []
    for one in delivery.history:
        what = Cell(f"attempt {one.number}: {one.result}", colour=colour_of(one.result))
        said = f"{reply_text(one.code, one.enhanced, one.text)} (at {one.phase})"
        story.append((one.ended_at, (moment(one.ended_at), what, Cell(said, f"by {one.route}"))))
    for event in delivery.events:
        detail = ", ".join(_fact(name, value) for name, value in event.detail.items())
        story.append((event.at, (moment(event.at), Cell(str(event.kind), colour=colour_of(event.kind)), detail)))
    return [row for _, row in sorted(story, key=lambda entry: entry[0])]


def _fact(name: str, value: object) -> str:
    """A detail of an event; times stand in it as seconds since the epoch."""
    if name.endswith("_at") and isinstance(value, float):
        value = moment(as_datetime(value))
    return f"{name.replace('_', ' ')} {value}"
