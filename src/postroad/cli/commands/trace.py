"""``postroad trace``."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.counted import counted
from postroad.cli.deliveries import moment
from postroad.cli.output import Form, form_options, say_json, say_json_line
from postroad.cli.references import bytes_value
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import note, say, styled
from postroad.errors import MessageError
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.message.trace import Hop, Trace

_SLOW: Final = 60.0  # seconds; what a queue or greylisting costs, and no server at work
_COLUMNS: Final = (
    Column("time", below="delay", whole=True),
    Column("from", below="address"),
    Column("by", below="id"),
    Column("with", below="tls"),
    Column("for"),
)


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(), nargs=-1, required=True)
@form_options
def trace(form: Form, files: tuple[str, ...]) -> None:
    """Show the hops of a received message: delays, TLS, authentication.

    A FILE is a message as it was received; - is standard input. What is above the first hop of your own servers, read
    from the bottom, is true; the rest is what the sender wrote.
    """
    # Loaded only now: the email package reads the dates.
    from postroad.message.trace import trace_of

    traces = [(name, _checked(name, trace_of(bytes_value(name, "FILE")))) for name in files]
    if form is Form.TEXT:
        for name, found in traces:
            _say(name if len(files) > 1 else "", found)
    elif len(traces) == 1 and form is Form.JSON:
        say_json(_as_json(*traces[0]), form)
    elif form is Form.JSON:
        say_json({"traces": [_as_json(*one) for one in traces]}, form)
    else:
        for one in traces:
            say_json_line(_as_json(*one))


def _checked(name: str, trace: "Trace") -> "Trace":
    if trace.field_count:
        return trace
    raise MessageError(
        f"FILE: {name!a:.200} holds no message: it does not begin with a header field", field="FILE",
        advice="Give a message as it was received, with its header: what mail programs call source or .eml.",
    )  # fmt: skip


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _say(name: str, trace: "Trace") -> None:
    if name:
        say(styled(one_line(name), bold=True))
    if trace.hops:
        say_table(_COLUMNS, [_row(hop) for hop in trace.hops])
        _note_duration(trace)
    else:
        note("no hops: the header has no Received field")
    for result in trace.results:
        say(f"Authentication-Results: {one_line(result)}")


def _note_duration(trace: "Trace") -> None:
    whole = f" in {_span(trace.seconds)}" if trace.seconds is not None else ""
    skewed = any(hop.delay is not None and hop.delay < 0 for hop in trace.hops)
    rest = f"; {counted(trace.left_out, 'older hop')} left out" if trace.left_out else ""
    clocks = "; the clocks of some servers differ" if skewed else ""
    note(f"{counted(len(trace.hops), 'hop')}{whole}{rest}{clocks}")


def _row(hop: "Hop") -> Row:
    received = hop.received
    late = hop.delay is not None and (hop.delay < 0 or hop.delay >= _SLOW)
    return (
        Cell(moment(received.at) or "?", "" if hop.delay is None else _span(hop.delay), "yellow" if late else None),
        Cell(_name(received.helo, received.host), received.address or ""),
        Cell(received.by or "", received.id or ""),
        Cell(_protocol(hop), _tls(hop), "yellow" if received.tls is False else None),
        received.recipient or "",
    )


def _name(helo: str | None, host: str | None) -> str:
    if helo is None or host is None or helo.lower() == host.lower():
        return helo or host or ""
    return f"{host} (says {helo})"


def _protocol(hop: "Hop") -> str:
    received = hop.received
    account = f" as {received.user}" if received.user else ""
    return f"{received.protocol or received.via or ''}{', authenticated' + account if received.authenticated else ''}"


def _tls(hop: "Hop") -> str:
    received = hop.received
    if not received.tls:
        return "no TLS" if received.tls is False else ""
    return " ".join(filter(None, (received.tls_version, received.cipher))) or "TLS"


def _span(seconds: float) -> str:
    """``3 s``, ``-2 s``, ``4 min 5 s``, ``2 h 3 min``, ``3 d 4 h``."""
    sign, rest = ("-" if seconds < 0 else ""), int(abs(seconds))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for unit, length in units:
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {unit}")
    return f"{sign}{' '.join(parts[:2]) or '0 s'}"


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_json(name: str, trace: "Trace") -> dict[str, Any]:
    return {
        "file": name,
        "message_id": trace.message_id or None,
        "subject": trace.subject,
        "date": _iso(trace.written),
        "hops": [_hop_as_json(hop) for hop in trace.hops],
        "hops_left_out": trace.left_out,
        "seconds": trace.seconds,
        "authentication_results": list(trace.results),
    }


def _hop_as_json(hop: "Hop") -> dict[str, Any]:
    received = hop.received
    return {
        "from": received.helo,
        "host": received.host,
        "address": received.address,
        "by": received.by,
        "via": received.via,
        "with": received.protocol,
        "id": received.id,
        "for": received.recipient,
        "time": _iso(received.at),
        "delay_seconds": hop.delay,
        "tls": received.tls,
        "tls_version": received.tls_version,
        "cipher": received.cipher,
        "authenticated": received.authenticated,
        "user": received.user,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
