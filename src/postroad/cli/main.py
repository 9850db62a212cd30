"""``postroad``: its commands, and the one place where a command's end becomes an exit code."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from postroad import __version__
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.lazy_group import LazyGroup
from postroad.cli.terminal import settle_streams

_HERE: Final = "postroad.cli.commands"

COMMANDS: Final = {
    "send": (f"{_HERE}.send:send", "Send one message now, or put it into the outbox."),
    "sendmail": (f"{_HERE}.sendmail:sendmail", "Take a message from standard input, as /usr/sbin/sendmail does."),
    "outbox": (f"{_HERE}.outbox:outbox", "See what waits, what was sent, and why; retry, cancel, hold and pause."),
    "suppress": (f"{_HERE}.suppress:suppress", "Say who gets no mail, and why."),
    "events": (f"{_HERE}.events:events", "Read the log of what happened in the outbox."),
    "db": (f"{_HERE}.db:db", "Make or upgrade the tables of an outbox."),
    "worker": (f"{_HERE}.worker:worker", "Deliver what is in the outbox."),
    "provider": (f"{_HERE}.provider:provider", "Look at email APIs, and try an account there."),
    "inbox": (f"{_HERE}.inbox:inbox", "Catch mail on this machine instead of sending it."),
    "report": (f"{_HERE}.report:report", "Read what comes back: bounces, complaints, DMARC and TLS reports."),
    "explain": (f"{_HERE}.explain:explain", "Say what a reply of a mail server means, and what to do."),
    "trace": (f"{_HERE}.trace:trace", "Show the hops of a received message: delays, TLS, authentication."),
    "dkim": (f"{_HERE}.dkim:dkim", "Make DKIM keys, publish them, sign and check messages."),
    "spf": (f"{_HERE}.spf:spf", "Say who may send mail for a domain."),
    "dmarc": (f"{_HERE}.dmarc:dmarc", "Find and apply DMARC policies (RFC 9989)."),
    "check": (f"{_HERE}.check:check", "Find what receivers will mind, and say what to do about it."),
    "arc": (f"{_HERE}.arc:arc", "Validate Authenticated Received Chains (RFC 8617)."),
    "demo": (f"{_HERE}.demo:demo", "Send real mail on this machine, and see what becomes of it."),
    "completion": (
        f"{_HERE}.completion:completion",
        "Print the script that completes commands and options in a shell.",
    ),
    "version": (f"{_HERE}.version:version", "Say which version this is."),
}

_EPILOG: Final = """\
\b
Everywhere:
  --json, --jsonl   JSON on standard output, for programs
  -                 standard input, where a text, a message or a password is wanted
  @FILE             the content of a file; also env:NAME for a URL or a password

\b
Environment:
  POSTROAD_URL      the route, as with --transport; or SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASS, SMTP_TLS
  POSTROAD_DB       the outbox, as with --db
  NO_COLOR          no colours

\b
Exit codes:
  0 done            65 bad message             75 temporary, safe to retry
  1 unexpected      67 all recipients refused  77 permission, credentials
  2 usage           69 server unreachable      78 configuration
  3 too late, failed check
  4 not found       130 interrupted
"""


class Postroad(LazyGroup):
    """The root: runs a command, and ends the process with a code of ``postroad.cli.exit_codes``."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of its output that goes away ends it like any other program."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as fault:  # click would make 1 of it, which means something else here
            raise Ended(ExitCode.BROKEN_PIPE) from fault

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run a command line; never returns, and shows no traceback unless asked to."""
        arguments = list(sys.argv[1:] if args is None else args)
        settle_streams()
        try:
            code = super().main(arguments, *more, **{**extra, "standalone_mode": False})
            sys.stdout.flush()
        except BaseException as fault:  # noqa: BLE001 - every fault of every command ends here
            # Loaded only now: telling of errors is no part of a command that works, nor of --help.
            from postroad.cli.failure import end_of

            code = end_of(fault, arguments)
        sys.exit(int(code or 0))


@click.group(
    cls=Postroad,
    modules=COMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="postroad %(version)s")
@click.option("--traceback", is_flag=True, help="Show where a fault of postroad happened (also POSTROAD_TRACEBACK=1).")
def postroad(traceback: bool) -> None:
    """Send email and stay with every message until its fate is known."""
