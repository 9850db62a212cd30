"""Findings for people: what to do first on top, and what is to be added or published."""

from collections.abc import Iterable
from typing import Final

from postroad.cli.exit_codes import ExitCode
from postroad.cli.terminal import say, styled
from postroad.lint.finding import Finding, Level
from postroad.terminal_text import one_line

LEVEL_COLOURS: Final = {Level.FAIL: "red", Level.WARN: "yellow", Level.UNKNOWN: "magenta", Level.INFO: "cyan"}


def say_findings(findings: Iterable[Finding]) -> None:
    """Print what is not as it should be, the gravest first; nothing of what passes."""
    told = [one for one in findings if one.level is not Level.PASS]
    for one in sorted(told, key=lambda finding: -finding.level.gravity):
        level = styled(f"{one.level.value:<7}", LEVEL_COLOURS[one.level], bold=True)
        say(f"  {level} {one.id:<8} {one_line(one.seen)}")
        say(styled(f"{'':19}{one_line(one.rule)} ({one_line(one.rfc)})", dim=True))
        for line in (one.publish or "").splitlines():
            say(f"{'':19}+ {one_line(line)}")


def code_of(levels: Iterable[Level]) -> ExitCode:
    """How a command ends that found these: a fault comes before what could not be found out."""
    found = set(levels)
    if Level.FAIL in found:
        return ExitCode.CHECKS_FAILED
    return ExitCode.TEMPORARY if Level.UNKNOWN in found else ExitCode.OK


def summary(findings: Iterable[Finding]) -> str:
    """``2 fail, 1 warn, 8 pass``, the gravest first."""
    levels = [one.level for one in findings]
    present = sorted(set(levels), key=lambda level: -level.gravity)
    return ", ".join(f"{levels.count(level)} {level.value}" for level in present)
