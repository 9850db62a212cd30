"""``postroad outbox limits check``."""

from pathlib import Path

import click

from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.limits_table import say_limits, say_reply_rules
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.table import Cell, Column, say_table
from postroad.cli.terminal import say
from postroad.outbox.shaping.finding import Finding, Level
from postroad.outbox.shaping.in_force import laid_over, shipped_rules
from postroad.outbox.shaping.rules_as_dict import rules_as_dict
from postroad.outbox.shaping.rules_file import read_rules
from postroad.outbox.shaping.rules_lint import findings_of
from postroad.terminal_text import one_line

_COLOURS = {Level.ERROR: "red", Level.WARN: "yellow", Level.NOTE: None}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@form_options
def check(form: Form, file: Path) -> None:
    """Find rules in a FILE that can never match or have no effect.

    It is read as a worker would read it, and what it says is shown, laid over what is shipped. Ends with 3 if anything
    is an error or a warning, and with 78 if the file cannot be read or understood. docs/limits.md describes the form.
    """
    own, shipped = read_rules(file), shipped_rules()
    found, rules = findings_of(own, shipped), laid_over(shipped, own)
    wrong = [finding for finding in found if finding.level is not Level.NOTE]
    if form is Form.TEXT:
        _say_findings(found, file)
        say_limits(rules, only=own)
        say_reply_rules(own.replies)
    else:
        findings = [finding.as_dict() for finding in found]
        say_json({"file": str(file), "ok": not wrong, "findings": findings, "in_force": rules_as_dict(rules)}, form)
    if wrong:
        raise Ended(ExitCode.CHECKS_FAILED)


def _say_findings(found: tuple[Finding, ...], file: Path) -> None:
    if not found:
        say(f"{one_line(str(file))}: nothing to complain about")
        return
    columns = (Column("level"), Column("where"), Column("what", below="advice"))
    rows = [(Cell(one.level, colour=_COLOURS[one.level]), one.place, Cell(one.problem, one.advice)) for one in found]
    say_table(columns, rows)
