"""nodemailer, in Node."""

from benchmarks.letter import ENVELOPE_SENDER, RECIPIENT, rendered
from tests.peers import nodemailer
from tests.peers.endpoint import Endpoint


def missing() -> str:
    """Why nodemailer cannot run here; empty where it can."""
    return nodemailer.missing()


def send(endpoint: Endpoint, count: int, connections: int) -> float:
    return nodemailer.send_many(endpoint, rendered(), count, connections, ENVELOPE_SENDER, RECIPIENT)
