"""The number of the running transaction, as a column's default, where commits can overtake each other."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class TransactionNumber(FunctionElement[int]):
    """PostgreSQL's ``pg_current_xact_id`` as a bigint (it has 64 bits, and is never used again); NULL on SQLite."""

    type = BigInteger()
    inherit_cache = True


@compiles(TransactionNumber)
def _none(_element: TransactionNumber, _compiler: Any, **_: Any) -> str:
    return "NULL"


@compiles(TransactionNumber, "postgresql")
def _number(_element: TransactionNumber, _compiler: Any, **_: Any) -> str:
    return "(pg_current_xact_id()::text::bigint)"
