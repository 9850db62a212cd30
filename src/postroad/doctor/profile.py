"""What a large receiver demands, as a view of findings: which of its requirements are met, and what it takes graver or
more lightly than others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from postroad.doctor.check import NOT_CHECKED
from postroad.lint.finding import Finding, Level

Change = tuple[str, Level]  # the id of a check, and a level that it found


class State(StrEnum):
    """How a requirement stands."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"  # a check that it needs got no answer
    NOT_CHECKED = "not checked"  # something has to be given first, or another command looks


@dataclass(frozen=True, slots=True)
class Requirement:
    """A sentence of a receiver's rules, and the checks that it comes down to."""

    text: str
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules of a receiver. ``levels`` says which findings it takes otherwise; ``source`` is where it says so."""

    name: str
    whom: str
    source: str
    requirements: tuple[Requirement, ...]
    levels: Mapping[Change, Level] = field(default_factory=dict)

    def judged(self, finding: Finding) -> Finding:
        """The finding as this receiver takes it."""
        return replace(finding, level=self.levels.get((finding.id, finding.level), finding.level))


@dataclass(frozen=True, slots=True)
class Standing:
    """A requirement of a receiver, and how it stands; ``open`` are the ids of the checks that are to blame."""

    profile: Profile
    requirement: Requirement
    state: State
    open: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "profile": self.profile.name,
            "requirement": self.requirement.text,
            "checks": list(self.requirement.checks),
            "state": self.state.value,
            "open": list(self.open),
        }


def judged(findings: Iterable[Finding], profiles: Iterable[Profile]) -> tuple[Finding, ...]:
    """The findings as the strictest of the receivers takes each."""
    known = tuple(profiles)
    return tuple([max((profile.judged(one) for profile in known), key=_gravity, default=one) for one in findings])


def standings(findings: Iterable[Finding], profiles: Iterable[Profile]) -> tuple[Standing, ...]:
    """How each requirement stands, by findings that are not judged yet."""
    known = tuple(findings)
    return tuple([standing for profile in profiles for standing in _of_profile(known, profile)])


def _of_profile(findings: tuple[Finding, ...], profile: Profile) -> list[Standing]:
    by_id = {one.id: profile.judged(one) for one in findings}
    return [_standing(profile, one, by_id) for one in profile.requirements]


def _standing(profile: Profile, requirement: Requirement, by_id: Mapping[str, Finding]) -> Standing:
    found = [by_id[id_] for id_ in requirement.checks if id_ in by_id]
    for state, belongs in _STATES.items():
        to_blame = tuple(one.id for one in found if belongs(one))
        if to_blame:
            return Standing(profile, requirement, state, to_blame)
    if len(found) < len(requirement.checks):
        missing = tuple(id_ for id_ in requirement.checks if id_ not in by_id)
        return Standing(profile, requirement, State.NOT_CHECKED, missing)
    return Standing(profile, requirement, State.MET)


_STATES: Final[dict[State, Callable[[Finding], bool]]] = {  # the first that any check is in decides
    State.NOT_MET: lambda one: one.level is Level.FAIL,
    State.UNKNOWN: lambda one: one.level is Level.UNKNOWN,
    State.NOT_CHECKED: lambda one: one.seen.startswith(NOT_CHECKED),
}


def _gravity(finding: Finding) -> int:
    return finding.level.gravity
