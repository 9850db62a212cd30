"""What a user waits for before the command line says anything."""

from contextlib import ExitStack

from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.start_up import fresh_interpreter

COMMAND = "from postroad.__main__ import main; main()"  # what the installed script does


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    return Contest(
        work=1,
        turns=effort.pick(full=41, quick=9),
        ours=fresh_interpreter(COMMAND, "--help"),
        peers=[peer("import click", 2, fresh_interpreter("import click"))],
    )


ROW = Row("help", "postroad --help", Figure.TIME, prepare)
