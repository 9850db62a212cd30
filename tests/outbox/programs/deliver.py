"""Deliver until killed. Arguments: the outbox's URL, the route."""

import sys

from tests.outbox.programs.opening import opened


def main(url: str, route: str) -> None:
    with opened(url) as outbox:
        outbox.worker(route).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
