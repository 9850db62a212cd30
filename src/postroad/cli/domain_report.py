"""What the doctor says of a domain, for people: what to do first on top, then everything by area."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from postroad.cli.findings import LEVEL_COLOURS
from postroad.cli.terminal import say, styled
from postroad.doctor.check import NOT_CHECKED, Area
from postroad.doctor.prescription import Prescribed, same_job
from postroad.doctor.profile import Profile, Standing, State
from postroad.doctor.remedy import read_line
from postroad.lint.finding import Finding, Level
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.doctor.subject import Subject

_STATE_COLOURS: Final = {State.MET: "green", State.NOT_MET: "red", State.UNKNOWN: "magenta"}
_FAULTS: Final = (Level.FAIL, Level.WARN)
_TOLD: Final = (Level.FAIL, Level.WARN, Level.UNKNOWN, Level.INFO)


def say_report(
    subject: "Subject",
    found: Sequence[tuple[Area, Finding]],
    prescribed: Sequence[Prescribed] = (),
    standings: Sequence[Standing] = (),
) -> None:
    """Print the report. ``found`` are the findings in the order of the areas."""
    say(f"{styled(one_line(subject.domain), bold=True)}  {styled(one_line(_looked_at(subject)), dim=True)}")
    _say_remedies([finding for _, finding in found], prescribed)
    for area, group in groupby(found, key=lambda one: one[0]):
        _say_area(area, [finding for _, finding in group])
    for profile, requirements in groupby(standings, key=lambda one: one.profile):
        _say_profile(profile, requirements)


def _looked_at(subject: "Subject") -> str:
    given = [
        ("MAIL FROM", subject.mail_from if subject.mail_from != subject.domain else ""),
        ("EHLO", subject.helo or ""),
        ("from", ", ".join(map(str, subject.ips))),
        ("selectors", ", ".join(subject.selectors)),
    ]
    return "; ".join(f"{name} {value}" for name, value in given if value)


def _say_remedies(findings: Sequence[Finding], prescribed: Sequence[Prescribed]) -> None:
    faults = sorted((one for one in findings if one.level in _FAULTS), key=lambda one: -one.level.gravity)
    say()
    if not faults and any(one.level is Level.UNKNOWN for one in findings):
        say(styled("No fault was found, but not everything could be found out: try again.", "magenta", bold=True))
        return
    if not faults:
        say(styled("Nothing has to be done.", "green", bold=True))
        return
    say(styled("What to do, the most important first", bold=True))
    for number, one in enumerate(faults, 1):
        say(f"{number:>3}. {_level(one.level)} {one.id:<8} {one_line(one.seen)}")
        own = _lines_of_its_own(one, prescribed)
        for line in own:
            say(f"{'':22}{styled('publish', bold=True)} {one_line(line)}")
        if _holds_a_set(own):
            say(f"{'':22}{styled('lines of one name and type are together all that is to stand there', dim=True)}")
    if prescribed:
        say()
        say(styled("Publish this, in the place of what is there for the same", bold=True))
        for each in prescribed:
            say(f"{one_line(each.record.line)}")
            say(styled(f"    for {', '.join(each.ids)}", dim=True))


def _holds_a_set(lines: Sequence[str]) -> bool:
    """Whether two records have one name and one type: beside what is there, they would be too many."""
    places = [line.split(" ")[:3] for line in lines if " IN " in line]
    return any(places.count(place) > 1 for place in places)


def _lines_of_its_own(finding: Finding, prescribed: Sequence[Prescribed]) -> list[str]:
    """The lines that do not stand below, where one record is for all that is wrong with it."""
    records = [(line, read_line(line)) for line in (finding.publish or "").splitlines()]
    return [line for line, record in records if record is None or not same_job(record, prescribed)]


def _say_area(area: Area, findings: Sequence[Finding]) -> None:
    say()
    say(styled(area.value, bold=True))
    told = [one for one in findings if one.level in _TOLD and not one.seen.startswith(NOT_CHECKED)]
    for one in sorted(told, key=lambda finding: -finding.level.gravity):
        say(f"  {_level(one.level)} {one.id:<8} {one_line(one.rule)} {styled(f'({one_line(one.rfc)})', dim=True)}")
        if one.level not in _FAULTS:  # those stand on top, with what was seen
            say(f"{'':19}{one_line(one.seen)}")
            for line in (one.publish or "").splitlines():
                say(f"{'':19}{styled('publish', bold=True)} {one_line(line)}")
    passed = [one.id for one in findings if one.level is Level.PASS]
    if passed:
        say(f"  {_level(Level.PASS)} {', '.join(passed)}")
    by_reason: dict[str, list[str]] = {}
    for one in findings:
        if one.seen.startswith(NOT_CHECKED):
            by_reason.setdefault(one.seen, []).append(one.id)
    for reason, ids in by_reason.items():
        say(styled(f"  {one_line(reason)}: {', '.join(ids)}", dim=True))


def _say_profile(profile: Profile, standings: Iterable[Standing]) -> None:
    say()
    say(f"{styled(profile.name, bold=True)}  {styled(f'{profile.whom} ({profile.source})', dim=True)}")
    for one in standings:
        open_ = f" ({', '.join(one.open)})" if one.open else ""
        state = styled(f"{one.state.value:<11}", _STATE_COLOURS.get(one.state), bold=one.state is State.NOT_MET)
        say(f"  {state} {one.requirement.text}{styled(open_, dim=True)}")


def _level(level: Level) -> str:
    colour = "green" if level is Level.PASS else LEVEL_COLOURS[level]
    return styled(f"{level.value:<7}", colour, bold=level is not Level.PASS)
