"""Names of what somebody wants to rest: what is meant by them, and whether anybody knows anything of that name.

A pause of a name that nobody goes by would hold nothing, and look as if it did.
"""

from functools import cache
from typing import Final

from sqlalchemy import Connection

from postroad.outbox.destination import Destinations
from postroad.outbox.shaping.in_force import rules_of
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.site_table import known_sites
from postroad.outbox.sites import lanes_of, survey
from postroad.outbox.standing import WorkerSeen, workers_seen
from postroad.outbox.stream_table import declared

MOST_NAMED: Final = 5  # of those that are known, in a remark


def site_meant(connection: Connection, name: str) -> str:
    """The site of that name; if it is a domain, who receives for it, as the workers have found out or the rules say."""
    on_record = known_sites(connection)
    if "." not in name or name in on_record.values():
        return name
    return on_record.get(name) or _shipped().site(name)


def remark(connection: Connection, scope: str, asked: str, key: str) -> str:
    """What is to be said to who wants it to rest; empty: nothing."""
    if asked != key:
        return f"mail to {asked} is of the site {key}: all domains of it rest"
    if scope in (Scope.ACCOUNT, Scope.SOURCE):
        return _about_worker(workers_seen(connection), scope, key)
    if scope == Scope.STREAM:
        known = declared(connection).knows(key) or any(lane.stream == key for lane, _ in survey(connection, 0.0).lanes)
        return "" if known else "no stream of this name is declared, and no mail of it waits now"
    if scope == Scope.SITE and (key in known_sites(connection).values() or key in rules_of().sites):
        return ""
    if "." not in key:
        return "neither the workers nor the shipped rules know a site of this name"
    return "" if lanes_of(connection, key) else "no mail to it waits now"


def _about_worker(workers: tuple[WorkerSeen, ...], scope: str, key: str) -> str:
    known = {name for one in workers for name in _names(one, scope)}
    if key in known:
        return ""
    whose = "sends through this account" if scope == Scope.ACCOUNT else "sends from this address"
    others = ", ".join(sorted(known)[:MOST_NAMED])
    return f"no worker that is known {whose}" + (f"; there is {others}" if others else "")


def _names(one: WorkerSeen, scope: str) -> set[str]:
    own = {str(one.standing.get(scope) or (one.route if scope == Scope.ACCOUNT else ""))}
    if scope == Scope.ACCOUNT:
        own |= set(one.standing.get("accounts", ()))
    return {*own, *(gate["key"] for gate in one.standing.get("gates", ()) if gate["scope"] == scope)} - {""}


@cache
def _shipped() -> Destinations:
    return Destinations(rules_of())
