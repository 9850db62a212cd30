"""Queue messages from several threads until killed; one line for each receipt, after it: its recipients.

Arguments: the outbox's URL, a name for the recipients.
"""

import itertools
import os
import sys
import threading

from postroad import Email, Outbox

THREADS = 4


def recipients(name: str, number: int) -> list[str]:
    """Most mail has one recipient; some has several, of whom one is refused or put off (see tests.peers)."""
    domain = f"{name}-{number}.example"
    others = {3: ["reject", "ann"], 7: ["defer", "ann"], 11: ["ann", "cem", "reject", "eve"]}
    return [f"{one}@{domain}" for one in ["bob", *others.get(number % 13, [])]]


def main(url: str, name: str) -> None:
    outbox = Outbox(url)
    numbers = itertools.count()

    def keep_sending() -> None:
        while True:
            number = next(numbers)
            to = recipients(name, number)
            key = f"{name}-{number}" if number % 2 else None
            outbox.send(Email(from_="shop@a.example", to=to, subject="hello", text="hello " * 50), idempotency_key=key)
            os.write(1, (" ".join(to) + "\n").encode())

    threads = [threading.Thread(target=keep_sending) for _ in range(THREADS)]
    for thread in threads:
        thread.start()


main(*sys.argv[1:])
