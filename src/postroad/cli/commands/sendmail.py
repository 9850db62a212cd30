"""``postroad sendmail``, as one of the commands; what it does is in ``cli/sendmail``.

``postroad.__main__`` takes the short way there, past click. By this way come ``postroad --traceback sendmail`` and
whoever asks the command line what commands there are.
"""

import sys

import click

from postroad.cli.sendmail.main import main


class _Verbatim(click.Command):
    """Its words are those of another program's command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return []


@click.command(cls=_Verbatim, add_help_option=False)
@click.pass_context
def sendmail(ctx: click.Context) -> None:
    """Take a message from standard input, as /usr/sbin/sendmail does."""
    sys.exit(main(ctx.args))
