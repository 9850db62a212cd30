"""MSG-08: nobody writes in the name of a mailbox provider from elsewhere."""

import re
from collections.abc import Iterator
from typing import Final

from postroad.lint.finding import Level
from postroad.lint.message import LintedMessage
from postroad.lint.rule import Fault, Rule

# Providers whose policy asks receivers to reject or quarantine what they did not send, or that refuse it themselves.
_PROVIDERS: Final = frozenset(
    {"gmail.com", "googlemail.com", "ymail.com", "rocketmail.com", "myyahoo.com", "aol.com", "aim.com", "outlook.com",
     "hotmail.com", "live.com", "msn.com", "passport.com", "icloud.com", "me.com", "mac.com", "proton.me",
     "protonmail.com", "pm.me", "zoho.com", "zohomail.com", "fastmail.com", "mail.com", "gmx.com", "gmx.net", "gmx.de",
     "web.de", "mail.ru", "bk.ru", "inbox.ru", "list.ru", "yandex.ru", "yandex.com", "qq.com", "foxmail.com", "163.com",
     "126.com", "naver.com", "comcast.net", "att.net", "sbcglobal.net", "bellsouth.net", "verizon.net", "cox.net"}
)  # fmt: skip
_FAMILIES: Final = re.compile(r"(?:yahoo|hotmail|outlook|live)\.(?:[a-z]{2}|com?\.[a-z]{2}|com)")
_SIGNER: Final = re.compile(r"(?:^|;)\s*d\s*=\s*([^;\s]+)")


def _faults(message: LintedMessage) -> Iterator[Fault]:
    for address in message.addresses("from"):
        if is_provider(address.domain) and not _signed_by(message, address.domain):
            yield Fault(Level.FAIL, f"From has an address of {address.domain}, which sends its mail itself")


def is_provider(domain: str) -> bool:
    """Whether a domain, in lower case, is one at which everybody may have a mailbox."""
    return domain in _PROVIDERS or _FAMILIES.fullmatch(domain) is not None


def _signed_by(message: LintedMessage, domain: str) -> bool:
    """Whether the message says that the provider signed it, which is for others to check."""
    found = (_SIGNER.search(field.text) for field in message.named("dkim-signature"))
    return any(one is not None and one[1].lower() == domain for one in found)


RULE: Final = Rule(
    "MSG-08",
    "From has a domain of your own, not that of a mailbox provider.",
    "Gmail, requirements for all senders; RFC 9989 §5.4",
    "From is not an address of a mailbox provider",
    _faults,
)
