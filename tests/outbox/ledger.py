"""The ledger of an outbox, recipient by recipient: what was promised, what the database says, and what arrived."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, text

from postroad.outbox.blocking import Outbox
from postroad.outbox.states import FINAL

_ENTRIES = text(
    "SELECT d.recipient, d.state, m.stream, d.uncertain_ever, d.assumed,"
    " (SELECT count(*) FROM postroad_attempt a WHERE a.delivery_id = d.id AND a.result = 'accepted'),"
    " (SELECT count(*) FROM postroad_attempt a WHERE a.delivery_id = d.id AND a.result = 'unknown')"
    " FROM postroad_delivery d JOIN postroad_message m ON m.id = d.message_id"
)
_FLIGHTS = text("SELECT count(*) FROM postroad_flight")
_IT_IS_LATER = text("UPDATE postroad_delivery SET due_at = 0 WHERE state = 'ready'")
_LONG_SILENCE = text("UPDATE postroad_worker SET heartbeat_at = 0")


class Entry(NamedTuple):
    """What the database says of one recipient."""

    recipient: str
    state: str
    stream: str
    uncertain_ever: bool
    assumed: bool  # sent by the stream's policy
    accepted: int  # attempts
    unknown: int  # attempts


@dataclass
class Ledger:
    receipted: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)  # by the database's own counters
    flights: int = 0
    arrived: Counter[str] = field(default_factory=Counter)
    rejected: set[str] = field(default_factory=set)  # by the next hop, for good, with their content

    def look(self, outbox: Outbox) -> None:
        """Read what the database says now."""
        self.entries, self.flights = outbox._store.database.read(_books)
        self.counted = Counter({state: number for state, number in outbox.stats().states.items() if number})

    def sum(self) -> str:
        """Receipted = final + queued + uncertain, in numbers."""
        promised = set(self.receipted)
        states = Counter(one.state for one in self.entries if one.recipient in promised)
        final = sum(states[str(state)] for state in FINAL)
        uncertain, queued = states["uncertain"], sum(states[state] for state in ("ready", "scheduled", "leased"))
        return f"receipted {len(promised)} = final {final} + queued {queued} + uncertain {uncertain}"

    def __str__(self) -> str:
        doubled = sum(times > 1 for times in self.arrived.values())
        unsure = sum(one.uncertain_ever for one in self.entries)
        return (
            f"{self.sum()}; in the outbox {len(self.entries)}: {dict(sorted(self.counted.items()))}; "
            f"arrived {len(self.arrived)}, once uncertain {unsure}, doubled {doubled}"
        )

    # ── what must hold ────────────────────────────────────────────────────────────────────────────────────────────

    def check_promises(self) -> None:
        """Nothing is lost, nothing is there twice, nothing came from nowhere, and the counters count."""
        recipients = Counter(one.recipient for one in self.entries)
        assert len(set(self.receipted)) == len(self.receipted)
        assert set(self.receipted) - recipients.keys() == set(), "lost"
        assert [one for one, times in recipients.items() if times > 1] == [], "queued twice"
        assert self.arrived.keys() - recipients.keys() == set()
        assert Counter(one.state for one in self.entries) == self.counted

    def check_arrivals(self) -> None:
        """Sent is sent, and a double is one that ``uncertain`` told of."""
        for one in self.entries:
            arrived = self.arrived[one.recipient]
            assert one.accepted <= arrived <= one.accepted + one.unknown, (one, arrived)
            assert one.accepted > 0 or one.state != "sent" or one.assumed, one
            assert arrived <= 1 or (one.uncertain_ever and one.stream == "transactional"), (one, arrived)
            assert (one.unknown > 0) == one.uncertain_ever, one

    def check_settled(self) -> None:
        """After a drain in fair weather nothing is stuck: everything has ended but what has to wait."""
        assert self.flights == 0
        states = {state: {one for one in self.entries if one.state == state} for state in self.counted}
        assert states.keys() <= {"sent", "refused", "ready", "uncertain"}
        assert all(one.recipient.startswith("defer@") for one in states.get("ready", ()))
        assert all(one.stream == "careful" for one in states.get("uncertain", ()))
        refused = {one.recipient for one in states.get("refused", ())}
        assert {one for one in refused if not one.startswith("reject@")} <= self.rejected


def _books(connection: Connection) -> tuple[list[Entry], int]:
    rows = connection.execute(_ENTRIES).all()
    entries = [
        Entry(recipient, state, stream, bool(unsure), bool(assumed), accepted, unknown)
        for recipient, state, stream, unsure, assumed, accepted, unknown in rows
    ]
    return entries, connection.execute(_FLIGHTS).scalar_one()


def let_time_pass(outbox: Outbox) -> None:
    """So long that every worker so far counts as dead, and everything that waits is due."""

    def work(connection: Connection, _: object) -> list[int]:
        return [connection.execute(one).rowcount for one in (_LONG_SILENCE, _IT_IS_LATER)]

    outbox._store.database.write(lambda connection, payloads: [work(connection, one) for one in payloads], None)
