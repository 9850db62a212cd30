"""No transaction of the queue reads every delivery: with millions queued, whoever writes would wait for it."""

import sqlite3
from collections.abc import Iterator
from types import ModuleType

import pytest
from sqlalchemy.dialects import sqlite

from postroad.database.batch import Statement
from postroad.database.given import ROWS
from postroad.outbox import amend, claim, enqueue, flight, overdue, record, recover, retention, sites, suppress
from postroad.outbox.blocking import Outbox

MODULES = (amend, claim, enqueue, flight, overdue, record, recover, retention, sites, suppress)
DIALECT = sqlite.dialect(paramstyle="qmark")


def _statements(module: ModuleType) -> Iterator[tuple[str, Statement]]:
    for name, value in vars(module).items():
        if isinstance(value, Statement):
            yield name, value


@pytest.fixture(scope="module")
def outbox_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "mail.db"
    Outbox(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_nothing_reads_every_delivery(outbox_file: sqlite3.Connection, module: ModuleType) -> None:
    for name, statement in _statements(module):
        sql = statement._for(DIALECT).sql.replace(f"{ROWS}?", f"({', '.join('?' * 30)})")
        plan = outbox_file.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
        walks = [row[3] for row in plan if row[3].startswith("SCAN postroad_delivery") and "INDEX" not in row[3]]
        assert not walks, (name, walks)
