"""``postroad db migrate``."""

import click

from postroad.cli.database_option import database_option, url_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.terminal import note, say
from postroad.terminal_text import one_line


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; say what is missing, with exit code 3 if anything is.")
@database_option
@form_options
def migrate(form: Form, db: str | None, check: bool) -> None:
    """Make the tables, or bring them up to date.

    Workers may be at work: steps only add, so what runs meanwhile goes on. A file's tables are brought up to date by
    whoever opens it.
    """
    url, shown = url_of(db)
    note(f"database: {one_line(shown)}")
    # Loaded only now, behind url_of, which explains what is missing.
    from postroad.database.migrate import migrate_database, pending

    if check:
        found = pending(url)
        _say(form, {"version": found.version, "missing": list(found.missing)},
             f"missing: {', '.join(found.missing)}" if found.missing else f"up to date: {found.version}")  # fmt: skip
        if found.missing:
            raise Ended(ExitCode.CHECKS_FAILED)
        return
    done = migrate_database(url)
    moved = f"{done.before or 'nothing'} to {done.after}"
    _say(form, {"before": done.before, "after": done.after},
         f"up to date: {done.after}" if done.before == done.after else f"migrated from {moved}")  # fmt: skip


def _say(form: Form, document: dict[str, object], sentence: str) -> None:
    if form is Form.TEXT:
        say(sentence)
    else:
        say_json(document, form)
