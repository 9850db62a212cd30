"""Reads reports with parsedmarc, in a process of its own that has no network; prints a JSON object for each path."""

import json
import socket
import sys
from typing import Any


def _no_network(*_: Any) -> None:
    raise OSError("these tests have no network")


def main(paths: list[str]) -> None:
    socket.socket.connect = _no_network  # type: ignore[method-assign]  # whoever connects is stopped, whatever its way
    socket.getaddrinfo = _no_network  # type: ignore[assignment]  # and whoever resolves
    import parsedmarc  # here, so that it is imported without a network, too

    for path in paths:
        try:
            read = parsedmarc.parse_report_file(path, offline=True, always_use_local_files=True)
        except parsedmarc.ParserError as fault:
            read = {"report_type": "error", "report": str(fault)}
        print(json.dumps(read, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
