"""``sendmail`` from its command line to its exit code.

Started for every single message, so standard input is read before anything is loaded that takes time: no click, no
asyncio, no database library. What the caller still writes meanwhile, the pipe keeps.
"""

import sys
from collections.abc import Sequence
from typing import Final

from postroad.cli.sendmail.flags import Flags, Mode, UnusableFlags, read_flags
from postroad.cli.sendmail.standard_input import TooLong, read_message
from postroad.cli.standard_streams import lead_nowhere

EX_USAGE: Final = 64  # sysexits.h; `postroad` itself answers 2, but callers of sendmail know these
EX_DATAERR: Final = 65
EX_IOERR: Final = 74
_INTERRUPTED: Final = 130

HELP: Final = """\
Usage: postroad sendmail [FLAGS] [RECIPIENT]...

  Take a message from standard input and send it, as /usr/sbin/sendmail does.

  It goes by the route of the environment (POSTROAD_URL, else SMTP_HOST); with
  --db or POSTROAD_DB it is put into the outbox instead, for a worker.

Flags:
  -t                 Take recipients from To, Cc and Bcc, too; Bcc is removed.
  -i, -oi            A line with only a dot does not end the message.
  -f, -r ADDRESS     Where bounces go; '' or '<>' is nowhere.
  -F NAME            The name for a From field, where the message has none.
  -N WHEN            Notifications: never, or success,failure,delay.
  -R full|hdrs       How much of the message a notification returns.
  -V ID              The envelope id that notifications repeat.
  -v                 Say on standard error what became of each recipient.
  -bp, -q, -bi       Say how postroad does that.
  --db URL           Put the message into this outbox.
  --transport URL    Send it by this route.
  --help, --version

  Other flags of sendmail (-A -B -C -G -L -O -U -X -h -m -n -o -p) are taken and
  change nothing.

Exit codes: 0 sent or queued, 64 usage, 65 bad message, 67 all recipients
  refused, 69 server unreachable, 70 unexpected, 74 input or output failed, 75 temporary,
  77 permission, 78 configuration, 130 interrupted.
"""


def main(words: Sequence[str], mode: Mode = Mode.DELIVER) -> int:
    """Do what the command line says; the exit code is one of ``sysexits.h``."""
    try:
        flags = read_flags(words, mode)
        if flags.mode is not Mode.DELIVER:
            code = _answer(flags)
            sys.stdout.flush()
            return code
        raw = read_message(sys.stdin.buffer, whole=flags.whole_input)
    except UnusableFlags as fault:
        return _refuse(str(fault), EX_USAGE)
    except TooLong as fault:
        return _refuse(str(fault), EX_DATAERR)
    except OSError as fault:
        return _refuse(f"standard input or output: {fault.strerror}", EX_IOERR)
    except KeyboardInterrupt:
        return _INTERRUPTED
    from postroad.cli.sendmail.submit import submit  # late: see above

    return submit(flags, raw)


def _answer(flags: Flags) -> int:
    if flags.mode is Mode.HELP:
        sys.stdout.write(HELP)
    elif flags.mode is Mode.VERSION:
        from postroad import __version__

        sys.stdout.write(f"postroad {__version__}\n")
    elif flags.mode is Mode.MAKE_ALIASES:
        sys.stderr.write("postroad: nothing to do: there are no aliases\n")
    else:
        from postroad.cli.sendmail.queue import say_queue

        return say_queue(flags)
    return 0


def _refuse(why: str, code: int) -> int:
    if code == EX_IOERR:
        lead_nowhere(sys.stdout)  # what is buffered would be an error again at the process's end
    try:
        sys.stderr.write(f"postroad: {why}\n")
    except OSError:
        lead_nowhere(sys.stderr)
    return code
