"""What the demo shows: what became of each recipient and why, what the server caught, what to try next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from postroad.cli.anatomy import anatomy_of
from postroad.cli.caught import way_of
from postroad.cli.deliveries import colour_of, reply_text
from postroad.cli.demo.sample_mail import Sample
from postroad.cli.demo.stage import USERNAME, Stage
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import say, styled
from postroad.inbox.catch import Caught
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.status import DeliveryStatus, MessageStatus

_COLUMNS: Final = (
    Column("state", below="tries"),
    Column("recipient", below="shows"),
    Column("what the server said", below="and so"),
)


def say_stage(stage: Stage) -> None:
    """Who plays."""
    say(f"{styled('server', bold=True)}  {stage.address}, STARTTLS with a certificate of its own, AUTH as {USERNAME}")
    say(f"{styled('outbox', bold=True)}  {stage.outbox.url}")


def say_outcomes(samples: Sequence[Sample], statuses: "Sequence[MessageStatus]") -> None:
    """A row for each recipient."""
    say()
    say(styled("What became of each recipient, and why", bold=True))
    pairs = zip(samples, statuses, strict=True)
    say_table(_COLUMNS, [_row(sample, one) for sample, status in pairs for one in status.recipients])


def _row(sample: Sample, delivery: "DeliveryStatus") -> Row:
    said = [reply_text(one.code, one.enhanced, one.text) for one in delivery.history]
    return (
        Cell(str(delivery.state), _tries(delivery), colour_of(delivery.state)),
        Cell(delivery.recipient, sample.shows),
        Cell("; then ".join(said), _so(delivery)),
    )


def _tries(delivery: "DeliveryStatus") -> str:
    return "1 try" if delivery.attempts == 1 else f"{delivery.attempts} tries"


def _so(delivery: "DeliveryStatus") -> str:
    if str(delivery.state) == "refused":
        return "refused for good: not tried again; the others are not held up"
    if len(delivery.history) > 1:
        first, last = delivery.history[0], delivery.history[-1]
        waited = (last.started_at - first.ended_at).total_seconds()
        return f"refused for now: tried again {waited:.1f} s later, and taken"
    return "the next server took it"


def say_caught_mail(caught: Sequence[Caught]) -> None:
    """What the server has, part by part."""
    say()
    say(styled("What the server caught", bold=True))
    for one in caught:
        anatomy = anatomy_of(one.content)
        recipients = ", ".join(recipient.addr_spec for recipient in one.recipients)
        say(f"  {styled(one_line(anatomy.field('Subject')), 'cyan')} for {one_line(recipients)}")
        for part in anatomy.parts:
            say(f"    {one_line(part)}")
    for way in sorted({way_of(one.client) for one in caught}):
        say(styled(f"  All of it came {one_line(way)}", dim=True))


def verdict_as_dict(
    samples: Sequence[Sample], statuses: "Sequence[MessageStatus]", caught: Sequence[Caught], wrong: Sequence[str]
) -> dict[str, Any]:
    """All of it as JSON types."""
    pairs = zip(samples, statuses, strict=True)
    messages = [{"shows": sample.shows, **status.as_dict()} for sample, status in pairs]
    return {"well": not wrong, "faults": list(wrong), "messages": messages, "caught": len(caught)}


def say_verdict(wrong: Sequence[str]) -> None:
    """Whether all is well, and if not, why not."""
    say()
    for fault in wrong:
        say(styled(f"✗ {one_line(fault)}", "red"))
    if not wrong:
        say(styled("✓ Everything came out as it had to; what arrived is what was sent, octet by octet.", "green"))


def say_what_next(stage: Stage, id_: str) -> None:
    """Commands to try in another terminal, while the demo runs."""
    db = f"--db {stage.outbox.url}"
    say()
    say(styled("While this runs, try in another terminal", bold=True))
    say(f"  postroad outbox ls {db}")
    say(f"  postroad outbox show {db} {id_}")
    say(f"  postroad outbox stats {db}")
    say(f"  postroad send --from me@example.com --to you@example.com --text 'Hi!' --outbox {db}")
    say("  postroad send --from me@example.com --to you@example.com --text 'Hi!' \\")
    say(f"      --transport '{stage.url}' --password file:{stage.password_file}")
    say()
