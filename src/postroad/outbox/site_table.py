"""The sites of domains as the workers have found them out, for everybody who reads the queue beside them."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, Double, Text, bindparam, insert, literal_column, select

from postroad.database.batch import Query, Statement
from postroad.database.given import given
from postroad.database.tables import site


class Learnt(NamedTuple):
    """Sites of domains that are not their own, found at ``now``."""

    sites: Mapping[str, str]
    now: float


_COLUMNS: Final = {"domain": Text, "site": Text, "learnt_at": Double}
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_LEARN = Statement(
    insert(site).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (domain) DO UPDATE SET site = excluded.site, learnt_at = excluded.learnt_at",
)
_ONE = Query(select(site.c.site).where(site.c.domain == bindparam("domain")))
_ALL = Query(select(site.c.domain, site.c.site))


def learn_sites(connection: Connection, batches: Sequence[Learnt]) -> list[Exception | None]:
    """Write sites down."""
    for learnt in batches:
        _LEARN.run(connection, [(domain, name, learnt.now) for domain, name in sorted(learnt.sites.items())])
    return [None] * len(batches)


def known_site(connection: Connection, domain: str) -> str:
    """The site of a domain; the domain itself where no worker has found another."""
    rows = _ONE.rows(connection, domain=domain)
    return str(rows[0][0]) if rows else domain


def known_sites(connection: Connection) -> dict[str, str]:
    """All sites that are not a domain of their own, by domain."""
    return {str(domain): str(name) for domain, name in _ALL.rows(connection)}
