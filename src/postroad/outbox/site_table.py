"""The sites of domains as the workers have found them out, for everybody who reads the queue beside them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, Double, Text, insert, literal_column, select

from postroad.database.batch import Query, Statement
from postroad.database.given import given, given_values
from postroad.database.tables import site


class Learnt(NamedTuple):
    """Sites of domains, found at ``now``: of those that are not their own, or that were on record as another's."""

    sites: Mapping[str, str]
    now: float


_COLUMNS: Final = {"domain": Text, "site": Text, "learnt_at": Double}
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_LEARN = Statement(
    insert(site).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (domain) DO UPDATE SET site = excluded.site, learnt_at = excluded.learnt_at",
)
_SOME = Query(select(site.c.domain, site.c.site).where(site.c.domain.in_(given_values(Text))))
_ALL = Query(select(site.c.domain, site.c.site))


def learn_sites(connection: Connection, batches: Sequence[Learnt]) -> list[Exception | None]:
    """Write sites down."""
    for learnt in batches:
        _LEARN.run(connection, [(domain, name, learnt.now) for domain, name in sorted(learnt.sites.items())])
    return [None] * len(batches)


def sites_on_record(connection: Connection, domains: Collection[str]) -> dict[str, str]:
    """What is written down of these domains; the others are their own sites."""
    return {str(domain): str(name) for domain, name in _SOME.rows(connection, sorted(domains))}


def known_sites(connection: Connection) -> dict[str, str]:
    """All sites that are written down, by domain; other domains are their own."""
    return {str(domain): str(name) for domain, name in _ALL.rows(connection)}
