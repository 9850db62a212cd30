"""The standard library."""

import smtplib
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from benchmarks.letter import ENVELOPE_SENDER, RECIPIENT, rendered
from tests.peers.endpoint import Endpoint


def send(endpoint: Endpoint, count: int, threads: int = 1) -> float:
    """Each thread reuses one connection."""
    letter = rendered()
    started = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for share in [pool.submit(_send_share, endpoint, letter, count // threads) for _ in range(threads)]:
            share.result()
    return perf_counter() - started


def _send_share(endpoint: Endpoint, letter: bytes, count: int) -> None:
    # The name is given: looking up our own can take seconds.
    with smtplib.SMTP(*endpoint, local_hostname="bench.test") as client:
        for _ in range(count):
            client.sendmail(ENVELOPE_SENDER, RECIPIENT, letter)
