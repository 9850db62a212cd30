"""``postroad check message``."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.each_file import Answering, answer_for_each
from postroad.cli.output import Form, form_options
from postroad.cli.terminal import note, say, styled
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.lint.finding import Finding

_KINDS: Final = ("transactional", "marketing")


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(), nargs=-1, required=True)
@click.option(
    "--kind", type=click.Choice(_KINDS), help="What sort of mail it is; else fields that only mail to many has decide."
)
@form_options
def message(form: Form, kind: str | None, files: tuple[str, ...]) -> None:
    """Say what receivers will mind in messages, before they are sent.

    A FILE is a message as it goes out, or as it was received; - is standard input. Nothing is looked up. A finding of
    the level fail gives the exit code 3; with --jsonl, which answers for each file on its line, the code is 0, and 65
    if one could not be read.
    """

    async def examine(content: bytes) -> "tuple[Finding, ...]":
        # Loaded only now: --help needs none of it.
        from postroad.lint.check import check_message
        from postroad.lint.message import Kind

        return check_message(content, Kind(kind) if kind else None)

    answering = Answering(examine, _as_json, _say, lambda found: all(one.level != "fail" for one in found))
    asyncio.run(answer_for_each(files, form, answering))


def _as_json(findings: "tuple[Finding, ...]") -> dict[str, Any]:
    return {"findings": [one.as_dict() for one in findings]}


def _say(name: str, findings: "tuple[Finding, ...]") -> None:
    from postroad.cli.findings import say_findings, summary  # late, with the linter

    say(styled(one_line(name), bold=True))
    say_findings(findings)
    note(f"{one_line(name)}: {summary(findings)}")
