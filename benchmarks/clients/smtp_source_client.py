"""Postfix's smtp-source: a load generator in C that does not pipeline."""

import tempfile
from enum import Enum
from pathlib import Path
from time import perf_counter

from benchmarks.letter import ENVELOPE_SENDER, RECIPIENT, rendered
from tests.peers.endpoint import Endpoint
from tests.peers.sink import run_smtp_source


class Session(Enum):
    """What a connection is used for."""

    ONE_MESSAGE = ()
    MANY_MESSAGES = ("-d",)


def send(endpoint: Endpoint, count: int, connections: int, session: Session) -> float:
    with tempfile.TemporaryDirectory() as folder:
        letter = Path(folder) / "letter"
        letter.write_bytes(rendered().replace(b"\r\n", b"\n"))
        envelope = ("-f", ENVELOPE_SENDER, "-t", RECIPIENT)
        load = ("-s", str(connections), "-m", str(count), "-F", str(letter))
        started = perf_counter()
        run_smtp_source(endpoint, *session.value, *load, *envelope)
        return perf_counter() - started
