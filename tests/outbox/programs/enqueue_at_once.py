"""Queue messages from many processes at the same time, each with an outbox of its own, one message after the other.

Arguments: the outbox's URL, how many processes, how many messages each. One line for each process: how long each of its
sends took, in milliseconds. The status is 1 where any of them failed.
"""

import os
import sys
from time import perf_counter

from postroad import Email, Outbox


def send(url: str, name: int, count: int) -> None:
    taken = []
    with Outbox(url) as outbox:
        for number in range(count):
            email = Email(from_="shop@a.example", to=f"{name}-{number}@b.example", subject="hello", text="hello " * 50)
            started = perf_counter()
            outbox.send(email)
            taken.append(perf_counter() - started)
    os.write(1, (" ".join(f"{seconds * 1000:.3f}" for seconds in taken) + "\n").encode())


def main(url: str, processes: int, count: int) -> int:
    Outbox(url).close()  # loads what is needed, once for all
    children = []
    for name in range(processes):
        child = os.fork()  # quicker than to start so many interpreters; nothing is open
        if child == 0:
            try:
                send(url, name, count)
            except BaseException as fault:  # noqa: BLE001  # told by the status
                os.write(2, f"{type(fault).__name__}: {fault}\n".encode())
                os._exit(1)
            os._exit(0)
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
