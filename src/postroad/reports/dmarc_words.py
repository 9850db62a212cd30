"""The words of DMARC aggregate reports, and what is said where a reporter has other ones."""

from collections.abc import Iterable
from typing import Final

from postroad.reports.deviations import Deviations, shown
from postroad.reports.xml_elements import Children, Value

POLICIES: Final = frozenset({"none", "quarantine", "reject"})
DISPOSITIONS: Final = POLICIES | {"pass"}  # RFC 9990
VERDICTS: Final = frozenset({"pass", "fail"})
MODES: Final = frozenset({"r", "s"})
TESTING: Final = frozenset({"y", "n"})
METHODS: Final = frozenset({"psl", "treewalk"})
DKIM_RESULTS: Final = frozenset(  # RFC 8601 §2.7.1
    {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"}
)
SPF_RESULTS: Final = DKIM_RESULTS | {"softfail"}  # RFC 8601 §2.7.2
SCOPES: Final = frozenset({"mfrom", "helo"})
REASONS: Final = frozenset(
    # RFC 7489 Appendix C; policy_test_mode is of RFC 9990, which has the first two no more.
    {"forwarded", "sampled_out", "trusted_forwarder", "mailing_list", "local_policy", "other", "policy_test_mode"}
)


class Words:
    """Judges what a report says; ``record`` is the number of the one that is read, counted from 1, none in the head."""

    def __init__(self, deviations: Deviations) -> None:
        self.deviations = deviations
        self.record = 0

    def note(self, what: str) -> None:
        self.deviations.add(what, self.record)

    def word(self, name: str, texts: dict[str, str], known: frozenset[str], *, needed: bool = False) -> str:
        """The word of that element in the RFC's spelling."""
        text = texts.get(name, "")
        if text in known:
            return text
        word = text.lower()
        if not word:
            if needed:
                self.note(f"<{name}> is missing or empty")
        elif word in known:
            self.note(f"<{name}> is {shown(text)}, not in lower case")
        else:
            self.note(f"<{name}> is {shown(text)}, a word that no RFC knows")
        return word

    def only(self, names: Iterable[str], known: frozenset[str], inside: str) -> None:
        """Note elements that do not belong there. Those of another namespace are extensions, which may be."""
        for name in names:
            if name not in known and ":" not in name:
                self.note(f"{shown(name)} is no element of <{inside}>")


def children(value: Value) -> Children:
    return value if isinstance(value, tuple) else ()


def texts_of(value: Value) -> dict[str, str]:
    """The texts of the elements within; of several with one name the last."""
    return {name: text for name, text in value if isinstance(text, str)} if isinstance(value, tuple) else {}


def domain_of(text: str) -> str:
    return text.lower().removesuffix(".")
