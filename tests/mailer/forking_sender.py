"""A program that sends, forks, and sends on both sides. Run by ``test_fork``, in a process of its own.

Arguments: the URL, and what the child does (a case of ``child``).
"""

import gc
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from postroad import Email, Mailer


def email(subject: str) -> Email:
    return Email(from_="ann@a.example", to="bob@b.example", subject=subject, text="hi")


def main(url: str, child_does: str) -> None:
    mailer = Mailer(url)
    mailer.send(email("parent-before"))
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child(mailer, child_does)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    mailer.send(email("parent-after"))
    mailer.close()
    sys.exit(os.waitstatus_to_exitcode(status))


def child(mailer: Mailer, does: str) -> None:
    match does:
        case "sends":
            mailer.send(email("child-one"))
            mailer.send(email("child-two"))
            mailer.close()
        case "closes":
            mailer.close()
            mailer.send(email("child-one"))
            mailer.send(email("child-two"))
            mailer.close()
        case "threads":
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(lambda number: mailer.send(email(f"child-{number}")), range(4)))
            mailer.close()
        case "collects":
            del mailer
            gc.collect()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
