"""docs/providers.md: its tables say what the code does."""

import re
from pathlib import Path
from typing import Any

import postroad
from postroad.events import EventKind
from postroad.providers.contract import Ability, Provider
from postroad.providers.registry import PROVIDERS, provider_class, receiver_class
from postroad.transport.from_url import from_url

DOCS = Path(__file__).parent.parent / "docs"
GUIDE = (DOCS / "providers.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that begins with this heading."""
    lines = GUIDE[GUIDE.index(f"| {heading} |") :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("|---")]


def test_the_table_of_abilities_is_the_codes() -> None:
    head, *table = rows("ability")
    names = head[2:]
    assert names == list(PROVIDERS)
    assert [row[0].strip("`") for row in table] == [one.value for one in Ability]
    for row in table:
        told = {name for name, cell in zip(names, row[2:], strict=True) if cell}
        assert told == {name for name in names if provider_class(name)(**_needed(name)).supports(row[0].strip("`"))}


def _needed(name: str) -> dict[str, Any]:
    return {"mailgun": {"domain": "a.example"}, "ses": {"region": "eu-west-1"}}.get(name, {})


def test_the_routes_are_routes_and_the_objects_public() -> None:
    _, *table = rows("route")
    assert {row[0].strip("`").partition(":")[0] for row in table} == set(PROVIDERS)
    for route, object_, variable in table:
        transport = from_url(route.strip("`"))
        kind = getattr(postroad, object_.strip("`").partition("(")[0])
        assert issubclass(kind, Provider)
        assert transport.name.startswith(f"{kind.name}://")
        usual = [one for one in kind.secret_fields.values() if one]
        assert [one.strip("`") for one in re.findall(r"`[A-Z_]+`", variable)] == usual


def test_the_receivers_and_the_words_are_named() -> None:
    _, *table = rows("provider")
    assert [row[1].strip("`").partition("(")[0] for row in table] == [receiver_class(one).__name__ for one in PROVIDERS]
    paragraph = GUIDE[GUIDE.index("`kind` is") :].partition("\n\n")[0]
    words = {one for one in re.findall(r"`([a-z_]+)`", paragraph) if one in {kind.value for kind in EventKind}}
    assert {"delivered", "delayed", "bounced", "complained", "unknown", "rejected"} <= words


def test_what_a_new_provider_is_told_to_use_is_there() -> None:
    text = (DOCS / "adding-a-provider.md").read_text(encoding="utf-8")
    root = DOCS.parent
    for place in re.findall(r"`((?:tests|transport|providers)/[a-z_/]+(?:\.py)?)`", text):
        assert (root / place).exists() or (root / "src" / "postroad" / place).exists(), place
    for name in ("letter_of", "raw_of", "in_doubt", "fault_of", "taken", "none_taken", "stopped", "SEPARATE_ENVELOPE"):
        assert f"`{name}" in text
