"""``--db``: in which outbox, the same for every command that has to do with one."""

from typing import TYPE_CHECKING, Any

import click

from postroad.cli.references import url_value
from postroad.cli.terminal import note
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.blocking import Outbox
    from postroad.outbox.outbox import AsyncOutbox


def database_option(command: Any) -> Any:
    """The option, as the argument ``db`` for ``outbox_of``."""
    return click.option(
        "--db", metavar="URL", help="The outbox, sqlite:///mail.db. Else POSTROAD_DB, else one in the data folder."
    )(command)


def outbox_of(db: str | None) -> "Outbox":
    """The outbox that the option names, else ``POSTROAD_DB``, else ``postroad.db`` in the data folder.

    It is named on standard error: nobody's mail should seem missing because another outbox was looked at.

    Raises:
        click.UsageError: a password stands on the command line.
        MissingExtra: the outbox's libraries are not installed.
        ConfigurationError: it cannot be used.
    """
    url = url_value(db, "--db")
    # Loaded only now, and by way of the package root: large libraries, whose absence the root explains.
    from postroad import Outbox

    outbox = Outbox.from_env() if url is None else Outbox(url)
    note(f"database: {one_line(outbox.url)}")
    return outbox


def async_outbox_of(db: str | None) -> "AsyncOutbox":
    """As ``outbox_of``, for commands with an event loop."""
    url = url_value(db, "--db")
    from postroad import AsyncOutbox  # late, as above

    outbox = AsyncOutbox.from_env() if url is None else AsyncOutbox(url)
    note(f"database: {one_line(outbox.url)}")
    return outbox
