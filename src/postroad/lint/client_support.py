"""MSG-11: what the HTML uses is supported by the mail clients that many people read with.

What they support stands in ``client_support.json``: tests of caniemail.com, made into that form by
``requirements/client_support``. Losing a style is told; losing content, or content that was hidden, is warned of.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from postroad.lint.finding import Level
from postroad.lint.html_features import Features, features_of
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule

# Where the whole of one of these does not support something, it is lost for a large part of all readers.
_LARGEST: Final = frozenset({"apple-mail", "gmail", "outlook", "yahoo"})
_CONTENT: Final = frozenset({"element", "attribute", "image"})


@dataclass(frozen=True, slots=True)
class Support:
    """A thing that some clients do not support; ``find`` is how it is found in a document."""

    what: str
    find: dict[str, Any]
    not_in: frozenset[str]


@lru_cache(1)
def _tested() -> tuple[dict[str, tuple[str, str]], tuple[Support, ...]]:
    """The clients' names, and what was tested, the least supported first."""
    document = json.loads((files("postroad.lint") / "client_support.json").read_text(encoding="utf-8"))
    found = [Support(one.pop("what"), one, frozenset(one.pop("not_in"))) for one in document["features"]]
    clients = {client: (family, platform) for client, (family, platform) in document["clients"].items()}
    return clients, tuple(sorted(found, key=lambda one: -len(one.not_in)))


def _faults(message: LintedMessage) -> Iterator[Fault]:
    if message.html is None:
        return
    used = features_of(message.html)
    clients, supports = _tested()
    for one in supports:
        if _is_used(one.find, used):
            yield Fault(
                _level(one, frozenset(clients)), f"{one.what} is not supported by {_names(one.not_in, clients)}"
            )


def _is_used(find: dict[str, Any], used: Features) -> bool:
    if "element" in find:
        elements = used.elements.intersection(find["element"])
        return bool(elements) and ("attribute" not in find or (find["element"][0], *find["attribute"]) in used.pairs)
    if "property" in find:
        given = [used.properties[name] for name in find["property"] if name in used.properties]
        return bool(given) and ("value" not in find or any(find["value"] in words for words in given))
    if "rule" in find:
        return any(name == find["rule"] and find.get("value", "") in rest for name, rest in used.rules)
    if "unit" in find:
        return find["unit"] in used.units
    places = {"attribute": used.attributes, "image": used.images, "function": used.functions}
    return any(not used_here.isdisjoint(find[key]) for key, used_here in places.items() if key in find)


def _level(one: Support, clients: frozenset[str]) -> Level:
    if one.find.keys().isdisjoint(_CONTENT):
        return Level.INFO
    lost = {family for family in _LARGEST if {name for name in clients if _family(name) == family} <= one.not_in}
    return Level.WARN if lost else Level.INFO


def _family(client: str) -> str:
    return client.partition(".")[0]


def _names(not_in: frozenset[str], clients: dict[str, tuple[str, str]]) -> str:
    """``Gmail, Outlook (Windows)``: a family whose clients are all meant stands without them."""
    shown = []
    for family in dict.fromkeys(map(_family, clients)):
        members = [client for client in clients if _family(client) == family]
        meant = [client for client in members if client in not_in]
        if meant:
            platforms = f" ({', '.join(clients[client][1] for client in meant)})" if meant != members else ""
            shown.append(clients[meant[0]][0] + platforms)
    return ", ".join(shown)


RULE: Final = Rule(
    "MSG-11",
    "The HTML uses what large mail clients support.",
    "caniemail.com",
    "no HTML, or nothing in it that a large client does not support",
    _faults,
)
