"""Lists of ``tag=value; …`` written anew: with other values, without what does harm, everything else as it stood."""

from collections.abc import Mapping


def retagged(text: str, changes: Mapping[str, str | None]) -> str:
    """The list with these tags changed, or taken away (``None``); new ones come last.

    What is no tag, and the second of two of one name, goes.
    """
    tags: dict[str, str | None] = {}
    for written in text.split(";"):
        name, equals, value = written.partition("=")
        if equals and name.strip():
            tags.setdefault(name.strip(), value.strip())
    present = {name.lower() for name in tags}
    kept = [(name, changes.get(name.lower(), value)) for name, value in tags.items()]
    new = [(name, value) for name, value in changes.items() if name not in present]
    # Readers of RFC 7489 §6.3 want the policy right behind the version.
    second = [one for one in new if one[0] == "p"]
    last = [one for one in new if one[0] != "p"]
    ordered = (*kept[:1], *second, *kept[1:], *last)
    return "; ".join(f"{name}={value}" for name, value in ordered if value is not None)
