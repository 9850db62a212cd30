"""An outbox as the commands see it: ``postroad send`` puts mail in, ``postroad outbox`` looks after it."""

from tests.cli.command import Ended, run_inside

ENVELOPE = ("--from", "Bob <bob@example.com>", "--to", "ann@example.com", "--text", "hi")


def queue(db: str, *options: str) -> str:
    """Queue a mail; its id."""
    ended = run_inside("send", *ENVELOPE, *options, "--outbox", "--db", db)
    assert ended.code == 0
    return ended.stdout.strip()


def outbox(verb: str, db: str, *options: str) -> Ended:
    return run_inside("outbox", verb, "--db", db, *options)
