"""A PostgreSQL server on the disk that SQLite's file would be on, and outboxes in it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from postroad.database.migrate import migrate_database
from tests.peers.postgresql import Postgresql


class OutboxServer:
    """A running server; ``fresh`` gives the URL of an empty outbox, which is dropped at the end."""

    def __init__(self, server: Postgresql) -> None:
        self._server = server
        self._template = server.new_database()
        migrate_database(server.url(self._template))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        name = self._server.new_database(self._template)
        try:
            yield self._server.url(name)
        finally:
            self._server.drop(name)

    def on_fresh(self, seconds: Callable[[str], float]) -> Callable[[], float]:
        """``seconds`` with the URL of a fresh outbox each time."""

        def call() -> float:
            with self.fresh() as url:
                return seconds(url)

        return call


def start_outbox_server(stack: ExitStack) -> OutboxServer:
    return OutboxServer(stack.enter_context(Postgresql(Path(tempfile.gettempdir()))))
