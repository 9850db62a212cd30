"""What was meant by a domain that is spelt almost like one where many people have a mailbox."""

from functools import cache
from importlib.resources import files
from typing import Final

_LEAST: Final = 6  # characters of a domain; shorter ones are near to too many others


def meant_by(domain: str) -> str | None:
    """The well-known domain that is one slip of the finger away; ``None`` if there is none, or it is one itself.

    One letter too many, too few or wrong, or two that have changed places (Damerau 1964).
    """
    known = mailbox_domains()
    if domain in known or len(domain) < _LEAST:
        return None
    near = [one for one in known if abs(len(one) - len(domain)) <= 1 and is_one_slip(domain, one)]
    return near[0] if near else None


def mailbox_domains() -> tuple[str, ...]:
    """The well-known domains, in order."""
    return words_of("mailbox_domains.txt")


@cache
def words_of(file: str) -> tuple[str, ...]:
    """The lines of a file beside this one, but those that explain it."""
    text = files("postroad.doctor.recipient").joinpath(file).read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def is_one_slip(one: str, other: str) -> bool:
    """Whether the two texts are different, and exactly one slip apart."""
    shorter, longer = sorted((one, other), key=len)
    at = next((place for place, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(shorter) < len(longer):
        return len(longer) - len(shorter) == 1 and shorter[at:] == longer[at + 1 :]
    if at == len(shorter):
        return False
    wrong_letter = shorter[at + 1 :] == longer[at + 1 :]
    changed_places = shorter[at : at + 2] == longer[at : at + 2][::-1] and shorter[at + 2 :] == longer[at + 2 :]
    return wrong_letter or changed_places
