"""``postroad outbox explain``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import colour_of, due, moment
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import say, styled
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.explanation import Explained, Explanation, LimitShown, WorkerShown

_LIMITS: Final = (
    Column("limit", whole=True),
    Column("holds"),
    Column("under way"),
    Column("waiting"),
    Column("shut by", below="next may go"),
)
_MANY: Final = "More than 10000 wait or are under way"


@click.command()
@click.argument("subject", metavar="ADDRESS|DOMAIN")
@database_option
@form_options
def explain(form: Form, db: str | None, subject: str) -> None:
    """Say why mail to an address or a domain waits, until when, and what became of the last.

    It names the site, the workers and their routes, what limits, overrides and pauses are in force for it, and for each
    delivery the reason and the next try. What a worker keeps in its memory is as of the last second or so.
    """
    with existing_outbox_of(db) as outbox:
        explanation = outbox.explain(subject)
    if form is not Form.TEXT:
        say_json(explanation.as_dict(), form)
        return
    _say_surroundings(explanation)
    for delivery in explanation.deliveries:
        _say_delivery(delivery, explanation)
    _say_rest(explanation)


def _say_surroundings(it: "Explanation") -> None:
    site = "" if it.site == it.domain else f" (site {it.site})"
    say(f"{styled(one_line(it.subject), bold=True)}{one_line(site)}")
    _say_lines("worker", (_worker(one) for one in it.workers), "none runs: nothing is tried")
    _say_lines("road", (f"{road.route}: breaker {road.breaker} {moment(road.until)} {road.why}"
                        for one in it.workers for road in one.roads))  # fmt: skip
    _say_lines("suppressed", (f"{one.stream or 'all streams'}: {one.reason}" for one in it.suppressions))
    _say_lines("paused", (f"{one.scope} {one.key} {_until(one.until)} {_by(one.who, one.why)}"
                          for one in it.suspensions))  # fmt: skip
    _say_lines("override", (f"{one.scope} {one.key}: {one.limits} {_until(one.until)} {_by(one.who, one.why)}"
                            for one in it.overrides))  # fmt: skip
    if it.limits:
        say_table(_LIMITS, [_limit(one) for one in it.limits])


def _say_lines(name: str, lines: Iterable[str], otherwise: str = "") -> None:
    for line in list(lines) or [otherwise]:
        if line:
            say(f"{styled(f'{name:11}', dim=True)} {one_line(line.rstrip())}")


def _worker(one: "WorkerShown") -> str:
    by = "" if one.account == one.route else f" by {one.account}"
    source = f" from {one.source}" if one.source else ""
    return f"{one.id} ({one.host}, process {one.pid}): {one.route}{by}{source}"


def _until(until: object) -> str:
    return f"until {until:%Y-%m-%d %H:%M:%SZ}" if until else "until it is resumed"


def _by(who: str, why: str) -> str:
    return f"by {who or 'somebody'}{f': {why}' if why else ''}"


def _limit(one: "LimitShown") -> Row:
    shut = Cell(one.why or "", moment(one.opens_at), "yellow")
    day = "" if one.ceiling is None else f" (today {one.ceiling})"
    return (f"{one.scope} {one.key}", f"{one.limits}{day}", one.inside, one.waiting, shut)


def _say_delivery(one: "Explained", it: "Explanation") -> None:
    next_try = "" if one.next_try is None else f"  next try {due(one.next_try, it.at)}"
    state = styled(str(one.state), colour_of(one.state))
    tries = f"{one.attempts} attempt{'' if one.attempts == 1 else 's'}"
    say()
    say(f"{styled(one_line(one.recipient), bold=True)}  {state}  {one_line(one.stream)}, {tries}  {one.id}")
    say(f"  {styled(one.reason, bold=True)}: {one_line(one.sentence)}{next_try}")


def _say_rest(it: "Explanation") -> None:
    shown = sum(not one.state.final for one in it.deliveries)
    whole = sum(it.counts.values())
    say()
    if not it.deliveries:
        say("No mail to it waits, and none was sent lately.")
    elif whole > shown:
        counts = ", ".join(f"{number} {state}" for state, number in it.counts.items())
        number = f"{whole} wait or are under way ({counts})" if it.counted_all else _MANY
        say(f"{number}; {shown} of them are shown, the next due first.")
