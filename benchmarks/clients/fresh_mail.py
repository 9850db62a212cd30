"""A mail to one site, while a backlog to another one goes slowly and one to a third does not go at all."""

from pathlib import Path
from time import perf_counter, sleep

from benchmarks.letter import HTML, SENDER, SUBJECT, TEXT
from postroad import Email, Outbox
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.rules import Rules, Site
from postroad.transport.gcra import Rate
from tests.peers.endpoint import Endpoint

THROTTLED, SUSPENDED = "site0.example", "site1.example"  # as ``deep_outbox.fill`` calls them
SLOWLY = Rate(120, 60.0)  # of the throttled backlog: some of it goes while we measure
LOOK = 0.001  # seconds between two looks at what has come
PAUSE = 0.1  # seconds between two mails
PATIENCE = 60.0  # seconds for one of them


def send(url: str, sink: Endpoint, dumps: Path, count: int) -> list[float]:
    """For each of ``count`` mails the seconds from calling ``send`` until the sink has it."""
    arrivals = _Arrivals(dumps)
    rules = Rules(sites={THROTTLED: Site(THROTTLED, limits=Limits(rate=SLOWLY))})
    with Outbox(url) as outbox:
        outbox.pause(site=SUSPENDED, why="bench")
        with outbox.worker(f"smtp+insecure://{sink}?pool=20", limits=rules):
            arrivals.wait_for(f"@{THROTTLED}")
            return [_send(outbox, arrivals, f"fresh{number}@fresh.example") for number in range(count)]


def _send(outbox: Outbox, arrivals: "_Arrivals", recipient: str) -> float:
    sleep(PAUSE)
    email = Email(from_=SENDER, to=recipient, subject=SUBJECT, text=TEXT, html=HTML)
    began = perf_counter()
    outbox.send(email)
    arrivals.wait_for(recipient)
    return perf_counter() - began


class _Arrivals:
    """What smtp-sink has kept since the beginning; it writes the recipient before the content."""

    def __init__(self, dumps: Path) -> None:
        self._dumps = dumps
        self._seen = {file.name for file in dumps.iterdir()}

    def wait_for(self, recipient: str) -> None:
        deadline = perf_counter() + PATIENCE
        while not self._came(recipient.encode()):
            if perf_counter() > deadline:
                raise TimeoutError(f"no mail to {recipient} came within {PATIENCE:g} s")
            sleep(LOOK)

    def _came(self, recipient: bytes) -> bool:
        for file in self._dumps.iterdir():
            if file.name in self._seen or not (content := file.read_bytes()).endswith(b"\n\n"):
                continue  # seen already, or still being written
            self._seen.add(file.name)
            if recipient in content:
                return True
        return False
