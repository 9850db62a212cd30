"""``postroad provider test``."""

import click

from postroad.cli.exit_codes import Ended, exit_code_of
from postroad.cli.failure import of_error
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.route_options import route_of, route_options
from postroad.cli.terminal import say
from postroad.errors import ConfigurationError, PostroadError
from postroad.mailer.blocking import Mailer
from postroad.terminal_text import one_line

_EPILOG = """\
\b
Examples:
  postroad provider test --transport postmark:// --password env:POSTMARK_SERVER_TOKEN
  postroad provider test --transport 'ses://?region=eu-west-1'
"""


@click.command(epilog=_EPILOG)
@route_options
@form_options
def test(form: Form, transport: str | None, username: str | None, password: str | None) -> None:
    """Try whether an account at an email API works; nothing is sent.

    The provider is asked for something that only the account may know. It says nothing of whether a sender is verified
    there, or of where mail would arrive.
    """
    # Loaded only now: HTTP is no part of the other commands.
    from postroad.transport.provider_api.transport import ProviderApiTransport

    route = route_of(transport, username, password)
    if not isinstance(route, ProviderApiTransport):
        raise ConfigurationError(
            f"{route.name} is no email API", setting="--transport",
            advice="Give one of those that `postroad provider ls` shows.",
        )  # fmt: skip
    with Mailer(route) as mailer:
        try:
            report = mailer.check()
        except PostroadError as fault:
            if form is Form.TEXT:
                raise
            say_json({"transport": route.name, "works": False, "error": of_error(fault).as_json()}, form)
            raise Ended(exit_code_of(fault)) from fault
    if form is Form.TEXT:
        for line in str(report).splitlines():
            say(one_line(line) if not line.startswith("  ") else f"  {one_line(line.strip())}")
    else:
        say_json({"transport": report.transport, "works": True, "seen": list(report.seen)}, form)
