"""``postroad provider ls``."""

from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.table import Column, say_table

if TYPE_CHECKING:
    from postroad.providers.contract import Provider

_COLUMNS: Final = (
    Column("name", whole=True),
    Column("route", whole=True),
    Column("variables"),
    Column("size"),
    Column("can"),
    Column("cannot"),
)


@click.command()
@form_options
def ls(form: Form) -> None:
    """Show which email APIs there are, and what each of them can do."""
    # Loaded only now: no other command needs all of them.
    from postroad.providers.registry import PROVIDERS, provider_class

    providers = [_told(provider_class(name)) for name in PROVIDERS]
    if form is not Form.TEXT:
        say_json_list("providers", providers, form)
        return
    say_table(_COLUMNS, [_row(one) for one in providers])


def _told(kind: "type[Provider]") -> dict[str, Any]:
    from postroad.providers.contract import Ability

    return {
        "name": kind.name,
        "title": kind.title,
        "route": _route(kind),
        "variables": [variable for variable in kind.secret_fields.values() if variable] or _OF_THE_MACHINE[kind.name],
        "abilities": sorted(one.value for one in kind.abilities),
        "lacks": sorted(one.value for one in Ability if one not in kind.abilities),
        "options": sorted(kind.options),
        "max_size": kind.max_size,
        "max_recipients": kind.max_recipients,
        "messages_in_a_request": kind.together,
    }


# What AWS's own tools read.
_OF_THE_MACHINE: Final = {"ses": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]}


def _route(kind: "type[Provider]") -> str:
    account = "KEY" if len(kind.account_fields) == 1 else "KEY_ID:SECRET"
    host = "DOMAIN" if kind.host_field else ""
    options = "&".join(f"{name}=…" for name in kind.options)
    return f"{kind.name}://{account}@{host}{'?' + options if options else ''}"


def _row(told: dict[str, Any]) -> list[str]:
    return [
        told["name"],
        told["route"],
        " ".join(told["variables"]),
        f"{told['max_size'] // 1_000_000} MB",
        " ".join(told["abilities"]),
        " ".join(told["lacks"]),
    ]
