"""Messages that go to all of their recipients at once or not at all, because the route has no envelopes of its own.

Such a route mails everybody whom the header names, so a message waits for the last of those who wait: whose domain is
paused, who is due later, or whom another worker is just trying. It is put off until then, with its attempts as they
are. Who has had his mail, or gets none, is no longer waited for; what that leaves, the transport sends or refuses.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, Double, Integer, Text, bindparam, or_, select, update

from postroad.database.batch import Query, Statement
from postroad.database.given import found_by, given, given_values
from postroad.database.tables import LEASED, WAITING, delivery

AGAIN_AFTER: Final = 60.0  # seconds until a message is looked at again that waits for what nobody can date

_OTHERS = Query(
    select(delivery.c.message_id, delivery.c.id, delivery.c.due_at).where(
        or_(WAITING, LEASED), delivery.c.message_id.in_(given_values(Text))
    )
)
_put_off = given(id=Integer, due_at=Double)
_PUT_OFF = Statement(
    update(delivery)
    .where(found_by(delivery.c.id, _put_off.c.id))
    .values(due_at=_put_off.c.due_at, changed_at=bindparam("now", type_=Double))
)


def waiting_for_others(connection: Connection, found: Iterable[tuple[str, int]], now: float) -> dict[str, float]:
    """Which of these messages have recipients who wait and were not found, and when the last of those is due.

    ``found`` are messages and deliveries. Who could be found and was not is in another worker's hands.
    """
    deliveries = {id_: message_id for message_id, id_ in found}
    until: dict[str, float] = {}
    for message_id, id_, due_at in _OTHERS.rows(connection, sorted(set(deliveries.values()))):
        if id_ not in deliveries:
            ends = due_at if due_at > now else now + 1.0
            until[message_id] = max(until.get(message_id, now), min(ends, now + AGAIN_AFTER))
    return until


def put_off(connection: Connection, deliveries: Sequence[tuple[int, float]], now: float) -> None:
    """Have deliveries come due at these times instead."""
    _PUT_OFF.run(connection, sorted(deliveries), now=now)
