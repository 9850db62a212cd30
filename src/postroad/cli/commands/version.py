"""``postroad version``."""

import platform

import click

from postroad import __version__
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.terminal import say


@click.command()
@form_options
def version(form: Form) -> None:
    """Say which version this is."""
    if form is Form.TEXT:
        say(f"postroad {__version__}")
    else:
        say_json({"version": __version__, "python": platform.python_version()}, form)
