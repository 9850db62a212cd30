"""Which providers there are. Each is loaded when a route names it, because most programs use one or none."""

from importlib import import_module
from typing import Final, NamedTuple

from postroad.providers.contract import Provider


class Entry(NamedTuple):
    """``module`` and ``kind`` are where the provider's class is; ``variable`` is where its key usually is."""

    module: str
    kind: str
    variable: str


_HERE: Final = "postroad.providers"

PROVIDERS: Final = {
    "postmark": Entry(f"{_HERE}.postmark.send", "Postmark", "POSTMARK_SERVER_TOKEN"),
}


def provider_class(name: str) -> type[Provider]:
    """The class of the provider that a URL scheme names."""
    entry = PROVIDERS[name]
    found: type[Provider] = getattr(import_module(entry.module), entry.kind)
    return found
