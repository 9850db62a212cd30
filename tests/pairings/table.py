"""The tables of docs/pairings.md, made from the tests: ``python -m tests.pairings.table`` writes them into it."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from tests.pairings.exercise import Exercise, Feature, beyond, exercised_by

PAGE = Path(__file__).parents[2] / "docs" / "pairings.md"
SERVERS = ("postfix", "exim", "aiosmtpd", "smtp_sink")
LMTP_SERVERS = ("dovecot",)
CLIENTS = ("smtplib", "aiosmtplib", "nodemailer", "swaks", "curl", "msmtp", "smtp_source")
RELAYS = ("postfix_relay", "exim_relay")


@dataclass(slots=True)
class Pairing:
    """One foreign program: what the tests in its file try, and what they cannot, for which reasons."""

    peer: str
    tried: set[Exercise] = field(default_factory=set)
    reasons: dict[Exercise, str] = field(default_factory=dict)

    def cell(self, feature: Feature) -> str:
        """``yes``; for an extension ``on`` and ``off``; empty where nothing is tried."""
        states = [("yes", None), ("on", True), ("off", False)]
        return ", ".join(word for word, offered in states if Exercise(feature, offered) in self.tried)

    def why_not(self, feature: Feature) -> str:
        """Why something of this row is not tried; empty where all is, or nobody says."""
        missing = {one: why for one, why in self.reasons.items() if one.feature is feature and one not in self.tried}
        return next(iter(missing.values()), "")


def pairing(name: str) -> Pairing:
    """What the test file of that name holds."""
    module = importlib.import_module(f"tests.pairings.test_{name}")
    (suite,) = (one for name, one in vars(module).items() if name.startswith("Test") and "peer" in vars(one))
    found = Pairing(vars(suite)["peer"], reasons=beyond(suite))
    of_suite = set(chain.from_iterable(exercised_by(method) for method in _tests(_members(suite))))
    found.tried |= of_suite - set(found.reasons)
    found.tried |= set(chain.from_iterable(exercised_by(function) for function in _tests(vars(module).items())))
    return found


def _members(suite: type) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(suite, name)) for name in dir(suite))


def _tests(members: Iterable[tuple[str, Any]]) -> Iterator[Callable[..., Any]]:
    return (member for name, member in members if name.startswith("test_") and callable(member))


def table(names: Iterable[str]) -> str:
    """A table in Markdown: a row for each feature that is tried with one of these at least, a column for each."""
    pairings = [pairing(name) for name in names]
    features = [one for one in Feature if any(peer.cell(one) for peer in pairings)]
    lines = [_row("", *(one.peer for one in pairings)), _row(*["---"] * (len(pairings) + 1))]
    notes: list[str] = []
    lines += [_row(str(feature), *(_cell(one, feature, notes) for one in pairings)) for feature in features]
    listed = [f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *listed])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(pairing: Pairing, feature: Feature, notes: list[str]) -> str:
    reason = pairing.why_not(feature)
    if not reason:
        return pairing.cell(feature)
    if reason not in notes:
        notes.append(reason)
    return f"{pairing.cell(feature) or '–'} [{notes.index(reason) + 1}]"


def gaps(names: Iterable[str]) -> list[str]:
    """Cells that are empty and have no reason."""
    pairings = [pairing(name) for name in names]
    features = [one for one in Feature if any(peer.cell(one) for peer in pairings)]
    return [
        f"{one.peer}: {feature}"
        for one in pairings
        for feature in features
        if not one.cell(feature) and not one.why_not(feature)
    ]


def section(title: str) -> tuple[str, str]:
    """The marks between which a table stands in the page."""
    return f"<!-- {title}: made from the tests -->\n\n", f"\n\n<!-- end of {title} -->"


SECTIONS = {"servers": SERVERS, "LMTP servers": LMTP_SERVERS, "clients": CLIENTS, "relays": RELAYS}


def with_tables(page: str) -> str:
    """The page with its tables made anew."""
    for title, names in SECTIONS.items():
        start, end = section(title)
        before, _, rest = page.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"docs/pairings.md has no place for the table of {title}")
        page = before + start + table(names) + end + after
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
