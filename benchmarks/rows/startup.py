"""What a program pays for importing postroad."""

from contextlib import ExitStack

from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.start_up import fresh_interpreter


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    theirs = "import smtplib, ssl, email.message"
    return Contest(
        work=1,
        turns=effort.pick(full=41, quick=9),
        ours=fresh_interpreter("from postroad import Email, Mailer"),
        peers=[peer(theirs, 1.6, fresh_interpreter(theirs))],
    )


ROW = Row("startup", "from postroad import Email, Mailer", Figure.TIME, prepare)
