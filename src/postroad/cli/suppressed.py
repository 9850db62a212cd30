"""How entries of the suppression list are shown."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from postroad.cli.deliveries import moment
from postroad.cli.table import Cell, Column, Row, say_table

if TYPE_CHECKING:
    from postroad.suppression.entry import Suppression

REASONS: Final = "hard_bounce, soft_bounce, complaint, unsubscribe, invalid or manual"
_COLUMNS: Final = (
    Column("address", whole=True),
    Column("stream"),
    Column("reason"),
    Column("since", below="until", whole=True),
    Column("source", below="note"),
)


def say_entries(entries: "Iterable[Suppression]") -> None:
    """Print them as a table."""
    say_table(_COLUMNS, [_row(entry) for entry in entries])


def _row(entry: "Suppression") -> Row:
    return (
        entry.address,
        entry.stream or "all",
        str(entry.reason),
        Cell(moment(entry.created_at), moment(entry.expires_at)),
        Cell(entry.source or "", entry.note or ""),
    )
