"""``postroad worker``: deliver what is in the outbox."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.database_option import async_outbox_of, database_option
from postroad.cli.dkim_options import dkim_options, signing
from postroad.cli.log_lines import show_log
from postroad.cli.output import Form, form_options, say_json_line
from postroad.cli.progress import Progress
from postroad.cli.route_options import route_of, route_options
from postroad.cli.signals import on_stop
from postroad.cli.tally import CountedTransport, Tally
from postroad.cli.terminal import note
from postroad.outbox.shaping.in_force import rules_of
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.outbox import AsyncOutbox
    from postroad.outbox.shaping.rules import Rules
    from postroad.transport.contract import Transport


_STOPPING: Final = "stopping when the messages on the wire are answered; a second signal does not wait"


@click.command()
@database_option
@route_options
@click.option("--concurrency", metavar="N", type=click.IntRange(1), help="Messages under way at once; else what suits.")
@click.option(
    "--limits",
    metavar="FILE",
    envvar="POSTROAD_LIMITS",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Own limits and reply rules (TOML), laid over the shipped ones. Else POSTROAD_LIMITS.",
)
@click.option("--drain", is_flag=True, help="End when nothing is due; 69, 77 or 78 if the route itself is at fault.")
@dkim_options
@form_options
def worker(
    form: Form,
    db: str | None,
    transport: str | None,
    username: str | None,
    password: str | None,
    concurrency: int | None,
    limits: Path | None,
    drain: bool,
    dkim: tuple[str, ...],
    dkim_keys: str | None,
) -> None:
    """Deliver what is in the outbox.

    It goes on until Ctrl-C or SIGTERM. Then nothing more is begun, messages on the wire are waited for, and everything
    else stays in the outbox; a second signal does not wait. From a SQLite file one worker delivers, and another one
    waits for it to end; on PostgreSQL they share the work.

    With --json the first line names the database and the route and says ready, the last has the numbers.
    """
    route = signing(route_of(transport, username, password), dkim, dkim_keys)
    rules = rules_of(limits)  # before a database is made for a worker that cannot begin
    asyncio.run(_work(async_outbox_of(db), route, form, concurrency=concurrency, limits=rules, drain=drain))


async def _work(
    outbox: "AsyncOutbox",
    transport: "Transport",
    form: Form,
    *,
    concurrency: int | None,
    limits: "Rules",
    drain: bool,
) -> None:
    progress, tally = Progress(), Tally()
    show_log(progress.above)
    counted = CountedTransport(transport, tally, lambda: progress.tell(str(tally)))
    try:
        async with outbox:
            one = outbox.worker(counted, concurrency=concurrency, limits=limits)
            with on_stop(one.stop, lambda: progress.above(_STOPPING)):
                _say_ready(outbox.url, transport.name, form)
                await (one.drain() if drain else one.run())
    finally:
        await transport.aclose()
        progress.tell(str(tally))
        progress.end()
        if form is not Form.TEXT:
            say_json_line(tally.as_dict())


def _say_ready(db: str, transport: str, form: Form) -> None:
    note(f"route:    {one_line(transport)}")
    if form is not Form.TEXT:
        say_json_line({"ready": True, "db": db, "transport": transport})
