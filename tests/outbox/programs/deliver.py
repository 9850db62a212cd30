"""Deliver until killed. Arguments: the outbox's URL, the route; perhaps a file of own limits."""

import sys

from tests.outbox.programs.opening import opened


def main(url: str, route: str, limits: str | None = None) -> None:
    with opened(url) as outbox:
        outbox.worker(route, limits=limits).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
