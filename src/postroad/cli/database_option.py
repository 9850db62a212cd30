"""``--db``: in which outbox, the same for every command that has to do with one."""

import os
from typing import TYPE_CHECKING, Any

import click

from postroad.cli.lasting import require_lasting
from postroad.cli.references import url_value
from postroad.cli.terminal import note
from postroad.errors import NotFound
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
    _name(outbox.url)
    return outbox


def existing_outbox_of(db: str | None) -> "Outbox":
    """As ``outbox_of``, for commands that look into an outbox: they make none, nor in a file of somebody else.

    Raises:
        NotFound: there is none.
    """
    url = url_value(db, "--db")
    # Late, as above; the root comes first, because it explains what is missing.
    from postroad import Outbox
    from postroad.database.location import read_url
    from postroad.database.migrate import pending
    from postroad.mailer.environment import value_of
    from postroad.outbox.store import data_folder

    url = url or value_of("POSTROAD_DB", os.environ)
    path = read_url(url).path if url else data_folder(os.environ) / "postroad.db"
    advice = "Name another one with --db or POSTROAD_DB. `postroad send --outbox` makes one, or a worker."
    # A folder that is not there is a wrong path, as it is for the commands that make an outbox.
    if path is not None and not path.exists() and (not url or path.parent.is_dir()):
        raise NotFound(f"there is no outbox at {path}", advice=advice)
    if path is not None and path.is_file() and pending(f"sqlite:///{path}").version is None:
        raise NotFound(f"the database {path} holds no outbox", advice=advice)
    outbox = Outbox(url) if url else Outbox.from_env()
    _name(outbox.url)
    return outbox


def url_of(db: str | None) -> tuple[str, str]:
    """The URL of the database that the option names, else ``POSTROAD_DB``, and how it may be shown; opens nothing.

    Raises:
        click.UsageError: a password stands on the command line.
        MissingExtra: the outbox's libraries are not installed.
        ConfigurationError: it is none that can be used.
    """
    url = url_value(db, "--db")
    from postroad import Outbox  # noqa: F401  # late, as above; it explains what is missing
    from postroad.database.location import read_url
    from postroad.outbox.store import default_url

    url = url or default_url()
    return url, read_url(url).url


def async_outbox_of(db: str | None) -> "AsyncOutbox":
    """As ``outbox_of``, for commands with an event loop."""
    url = url_value(db, "--db")
    from postroad import AsyncOutbox  # late, as above

    outbox = AsyncOutbox.from_env() if url is None else AsyncOutbox(url)
    _name(outbox.url)
    return outbox


def _name(url: str) -> None:
    require_lasting(url)
    note(f"database: {one_line(url)}")
