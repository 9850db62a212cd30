"""The policy and the verdict of DMARC, for people and for programs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from postroad.cli.counted import counted
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import note, say, styled
from postroad.mailauth.dmarc.alignment import Aligned
from postroad.mailauth.dmarc.record import Alignment
from postroad.mailauth.dmarc.report_destination import Authorization
from postroad.mailauth.dmarc.tree_walk import Finding
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.mailauth.dmarc.evaluate import DmarcResult
    from postroad.mailauth.dmarc.record import DmarcRecord
    from postroad.mailauth.dmarc.report_destination import Destination
    from postroad.mailauth.dmarc.tree_walk import Step, Walk

_MAX_TEXT: Final = 1_000  # characters of a record that are shown
_COLOURS: Final = {"pass": "green", "fail": "red", "permerror": "red"}
_COLUMNS: Final = (Column("asked"), Column("found"), Column("record"))


@dataclass(frozen=True, slots=True)
class Checked:
    """All that was found out. ``judged``: there is mail to judge, and not only a policy to look at."""

    result: "DmarcResult"
    judged: bool
    walk: "Walk | None"
    destinations: "tuple[tuple[str, Destination], ...]"

    @property
    def organization(self) -> str | None:
        """The Organizational Domain, where it is known."""
        return None if self.walk is None or self.walk.uncertain else self.walk.organizational_domain

    @property
    def steps(self) -> "tuple[Step, ...]":
        """Every query, those of the author's walk first."""
        walked = self.walk.steps if self.walk else ()
        return (*walked, *(step for step in self.result.steps if step not in walked))


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def as_json(checked: Checked) -> dict[str, Any]:
    """Everything as JSON types; ``result`` and ``disposition`` are null where nothing was judged."""
    result = checked.result
    # Without results of SPF and DKIM a fail would be said of nobody's mail.
    judged = checked.judged or result.outcome != "fail"
    return {
        "domain": result.author_domain,
        "result": result.outcome.value if judged else None,
        "disposition": result.disposition.value if judged else None,
        "reason": result.reason if judged else None,
        "policy": result.policy,
        "published_policy": result.published,
        "tag": result.tag,
        "policy_domain": result.policy_domain,
        "organizational_domain": checked.organization,
        "record": _record_as_json(result.record),
        "identifiers": [
            {
                "mechanism": one.identifier.mechanism.value,
                "domain": one.identifier.domain,
                "result": one.identifier.result,
                "aligned": {Aligned.YES: True, Aligned.NO: False}.get(one.aligned),
                "organizational_domain": one.organizational_domain,
                "reason": one.reason,
            }
            for one in result.alignments
        ],
        "destinations": [
            {"tag": tag, "uri": one.uri.uri, "name": one.name, "authorization": one.authorization.name.lower()}
            for tag, one in checked.destinations
        ],
        "queries": [
            {"name": step.name, "finding": step.finding.name.lower(), "record": _text(step), "reason": step.reason}
            for step in checked.steps
        ],
    }


def _record_as_json(record: "DmarcRecord | None") -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "text": record.text[:_MAX_TEXT],
        "p": record.p, "sp": record.sp, "np": record.np,
        "adkim": record.adkim, "aspf": record.aspf, "psd": record.psd, "t": "y" if record.testing else "n",
        "rua": [uri.uri for uri in record.rua], "ruf": [uri.uri for uri in record.ruf], "fo": sorted(record.fo),
        "ignored": [{"tag": note.tag, "text": note.text, "why": note.oddity.value} for note in record.notes],
    }  # fmt: skip


def _text(step: "Step") -> str | None:
    return step.record.text[:_MAX_TEXT] if step.record else None


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────────────────


def say_verdict(checked: Checked) -> None:
    """Print the verdict, or the policy where there is nothing to judge, and all that led to it."""
    result = checked.result
    if checked.judged or result.outcome != "fail":
        say(f"{styled(result.outcome, _COLOURS.get(result.outcome, 'yellow'), bold=True)}: {one_line(result.reason)}")
    if result.policy is not None:
        say(_policy_sentence(result))
        say(_alignment_sentence(result))
    if checked.organization is not None:
        say(f"The Organizational Domain is {one_line(checked.organization)}.")
    for one in result.alignments:
        name = f"{one.identifier.mechanism} {one_line(one.identifier.domain)}"
        say(f"{name}: {one.aligned.value} ({one_line(one.reason)})")
    for tag, destination in checked.destinations:
        _say_destination(tag, destination)
    if checked.steps:
        say()
        say_table(_COLUMNS, [_row(step) for step in checked.steps])
    for ignored in result.record.notes if result.record else ():
        written = f"{ignored.tag}={ignored.text}" if ignored.tag else ignored.text
        note(f"ignored: {one_line(written)[:200]}: {ignored.oddity.value}")
    note(f"{counted(len(checked.steps), 'query', 'queries')} for policy records")


def _policy_sentence(result: "DmarcResult") -> str:
    policy = styled(result.policy or "", bold=True)
    where = f"{result.tag}= of the record at {one_line(result.policy_domain or '')}"
    lowered = result.policy != result.published
    testing = f" ({result.published} is published, and t=y asks for one level less)" if lowered else ""
    return f"The policy for {one_line(result.author_domain)} is {policy}, from {where}{testing}."


def _alignment_sentence(result: "DmarcResult") -> str:
    assert result.record is not None, "a policy comes from a record"
    words = {Alignment.RELAXED: "relaxed", Alignment.STRICT: "strict"}
    return f"Alignment is {words[result.record.adkim]} for DKIM and {words[result.record.aspf]} for SPF."


def _say_destination(tag: str, destination: "Destination") -> None:
    line = f"{tag} {one_line(destination.uri.uri)}: {destination.authorization.value}"
    if destination.authorization is Authorization.REFUSED:
        line += f'; it would by {one_line(destination.name)} TXT "v=DMARC1"'
    say(line)


def _row(step: "Step") -> Row:
    colour = {Finding.RECORD: "green", Finding.UNKNOWN: "yellow", Finding.SEVERAL: "red"}.get(step.finding)
    return step.name, Cell(step.finding.value, step.reason, colour), _text(step) or ""
