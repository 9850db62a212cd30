"""Queue messages from several threads until killed; one line for each receipt, after it: its recipients.

A message with an idempotency key is sent again where the database was away; one without is given up, because nobody
knows whether it stands in the queue. Arguments: the outbox's URL, a name for the recipients.
"""

import itertools
import os
import sys
import threading

from postroad import DatabaseError, Email, Outbox
from tests.outbox.programs.opening import opened, pause

THREADS = 2
STREAMS = ("transactional", "careful", "trusting")  # the test declares the last two: hold, and assume sent


def recipients(name: str, number: int) -> list[str]:
    """Most mail has one recipient; some has several, of whom one is refused or put off (see ``UnreliableSink``)."""
    domain = f"{name}-{number}.example"
    others = {3: ["reject", "ann"], 7: ["defer", "ann"], 11: ["ann", "cem", "reject", "eve"]}
    return [f"{one}@{domain}" for one in ["bob", *others.get(number % 13, [])]]


def send(outbox: Outbox, email: Email, key: str | None, stream: str) -> bool:
    """Whether there is a receipt."""
    while True:
        try:
            outbox.send(email, idempotency_key=key, stream=stream)
        except DatabaseError:
            if key is None:
                return False
            pause()
        else:
            return True


def main(url: str, name: str) -> None:
    outbox = opened(url)
    numbers = itertools.count()

    def keep_sending() -> None:
        while True:
            number = next(numbers)
            to = recipients(name, number)
            key = f"{name}-{number}" if number % 2 else None
            email = Email(from_="shop@a.example", to=to, subject="hello", text="hello " * 50)
            if send(outbox, email, key, STREAMS[number % len(STREAMS)]):
                os.write(1, (" ".join(to) + "\n").encode())

    threads = [threading.Thread(target=keep_sending) for _ in range(THREADS)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
