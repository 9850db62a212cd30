"""The form of what a command prints: text for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import click

from postroad.cli.terminal import say


class Form(Enum):
    """``TEXT`` for people; ``JSON`` one document; ``JSON_LINES`` one object a line, each when it is known."""

    TEXT = "text"
    JSON = "json"
    JSON_LINES = "jsonl"


def form_of(arguments: Iterable[str]) -> Form:
    """The form that a command line asks for, also where it cannot be parsed."""
    for argument in arguments:
        if argument == "--":
            break
        if argument in ("--json", "--jsonl"):
            return Form(argument.removeprefix("--"))
    return Form.TEXT


def say_json(document: Mapping[str, Any], form: Form = Form.JSON) -> None:
    """Print one object: indented for somebody who looks, on one line for a program."""
    for_people = form is Form.JSON and sys.stdout.isatty()
    # Pure ASCII: readable in every locale, and no character of a mail reaches a terminal raw.
    say(json.dumps(document, indent=2 if for_people else None))


def say_json_line(document: Mapping[str, Any]) -> None:
    """Print one object on its line, and let it be seen at once."""
    say(json.dumps(document))


def say_json_list(name: str, items: Iterable[Mapping[str, Any]], form: Form) -> None:
    """Print many objects: ``{"name": […]}``, or one a line."""
    if form is Form.JSON_LINES:
        for item in items:
            say_json_line(item)
    else:
        say_json({name: list(items)}, form)


def form_options(command: Any) -> Any:
    """``--json`` and ``--jsonl``, the same for every command; the argument is ``form``."""
    lines = click.option(
        "--jsonl", "form", flag_value=Form.JSON_LINES, type=click.UNPROCESSED, help="Print JSON, one object a line."
    )
    document = click.option(
        "--json",
        "form",
        flag_value=Form.JSON,
        default=Form.TEXT,
        type=click.UNPROCESSED,
        help="Print JSON instead of text.",
    )
    return document(lines(command))
