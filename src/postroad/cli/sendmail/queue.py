"""``mailq`` and ``sendmail -q``: where the queue is that postroad keeps."""

import os
import sys

from postroad.cli.sendmail.flags import Flags, Mode
from postroad.mailer.environment import value_of


def say_queue(flags: Flags) -> int:
    """List the outbox, or say who delivers it. Without an outbox nothing ever waits.

    Raises:
        SystemExit: with the exit code of ``postroad outbox ls``.
    """
    db = flags.db or value_of("POSTROAD_DB", os.environ)
    if db is None:
        sys.stdout.write("Mail queue is empty\n")
    elif flags.mode is Mode.FLUSH_QUEUE:
        sys.stderr.write("postroad: `postroad worker` delivers what is in the outbox; with --drain, what is due now\n")
    else:
        from postroad.cli.main import postroad  # late: click, and the libraries of the outbox

        postroad.main(["outbox", "ls", *(("--db", flags.db) if flags.db else ())], prog_name="postroad")
    return 0
