"""Deliver until killed. Arguments: the outbox's URL, the route."""

import sys

from postroad import Outbox


def main(url: str, route: str) -> None:
    with Outbox(url) as outbox:
        outbox.worker(route).run()


main(*sys.argv[1:])
