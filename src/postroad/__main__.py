"""``postroad`` and ``python -m postroad``, and ``sendmail`` where a link of that name leads here."""

import os
import sys

from postroad.cli.standard_streams import open_missing_streams

_INTERRUPTED = 130  # what a shell reports for a program that SIGINT ended


def main() -> None:
    """Run the command line; ends the process with one of ``postroad.cli.exit_codes``."""
    open_missing_streams()
    try:
        _run()
    except KeyboardInterrupt:  # Ctrl-C while the command is still being loaded
        sys.exit(_INTERRUPTED)


def _run() -> None:
    name = os.path.basename(sys.argv[0])  # noqa: PTH119 - pathlib takes longer to load than sendmail may take
    if name in ("sendmail", "mailq", "newaliases"):
        _sendmail(name, sys.argv[1:])
    if sys.argv[1:2] == ["sendmail"]:
        _sendmail("sendmail", sys.argv[2:])
    # Loaded only now: sendmail is started for every single message, and has no use for click.
    from postroad.cli.main import postroad

    postroad.main(prog_name="postroad")


def _sendmail(name: str, words: list[str]) -> None:
    from postroad.cli.sendmail.flags import MODE_OF_NAME
    from postroad.cli.sendmail.main import main

    sys.exit(main(words, MODE_OF_NAME[name]))


if __name__ == "__main__":
    main()
