"""What time it is, for whatever is compared between machines."""

from typing import Any

from sqlalchemy import Double, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class TimeOfDatabase(FunctionElement[float]):
    """Seconds since the epoch: by the server's clock where there is a server, else the parameter ``now``."""

    type = Double()
    inherit_cache = True

    def __init__(self) -> None:
        super().__init__(bindparam("now", type_=Double))


@compiles(TimeOfDatabase)
def _handed_in(element: TimeOfDatabase, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(TimeOfDatabase, "postgresql")
def _of_the_server(_element: TimeOfDatabase, _compiler: Any, **_: Any) -> str:
    return "extract(epoch FROM clock_timestamp())::double precision"
