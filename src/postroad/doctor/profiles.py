"""The rules of the large receivers for mail in bulk, as they stood in 2026. Each id is a check of this package; those
that begin with MSG are about a message, and ``postroad check message`` looks at them."""

from typing import Final

from postroad.doctor.profile import Profile, Requirement
from postroad.lint.finding import Level

_SPF: Final = ("SPF-01", "SPF-02", "SPF-03", "SPF-04", "SPF-08", "SPF-09", "SPF-11")
_DKIM: Final = ("DK-01", "DK-02", "DK-03", "DK-06", "DK-11")
_DMARC: Final = ("DM-01", "DM-02", "DM-03", "DM-04", "DM-12")
_NAMES: Final = ("IP-01", "IP-02")
_MONITORING_IS_ENOUGH: Final = {("DM-04", Level.WARN): Level.INFO}  # "at least p=none"

GMAIL_BULK: Final = Profile(
    "gmail-bulk",
    "personal accounts of Gmail, from 5,000 messages a day on",
    "Google, Email sender guidelines (since February 2024; refused for good since November 2025)",
    (
        Requirement("SPF passes", _SPF),
        Requirement("DKIM passes", _DKIM),
        Requirement("DKIM keys have 1024 bits, better 2048", ("DK-04",)),
        Requirement("a DMARC policy, p=none or stricter", _DMARC),
        Requirement("From is aligned with SPF or DKIM", ("DM-11",)),
        Requirement("the sending addresses have names that lead back to them", _NAMES),
        Requirement("mail is sent over TLS", ("OUT-TLS",)),
        Requirement("one-click unsubscribe, and a link in the body, in marketing mail", ("MSG-04", "MSG-05")),
    ),
    _MONITORING_IS_ENOUGH,
)

YAHOO_BULK: Final = Profile(
    "yahoo-bulk",
    "Yahoo and AOL, for mail to many",
    "Yahoo, Sender best practices and requirements (since February 2024)",
    (
        Requirement("SPF passes", _SPF),
        Requirement("DKIM passes, with a key of 1024 bits or more", (*_DKIM, "DK-04")),
        Requirement("a DMARC policy, p=none or stricter", _DMARC),
        Requirement("DMARC passes: From is aligned with SPF or DKIM", ("DM-11",)),
        Requirement("reports of DMARC are asked for (strongly recommended)", ("DM-08",)),
        Requirement("the domains of From and MAIL FROM exist, with an SOA record", ("DNS-01", "DNS-02")),
        Requirement("the sending addresses have names of their own that lead back", (*_NAMES, "IP-03")),
        Requirement("an easy way to unsubscribe, and a link in the body", ("MSG-04", "MSG-05")),
    ),
    {**_MONITORING_IS_ENOUGH, ("DNS-02", Level.WARN): Level.FAIL, ("IP-03", Level.WARN): Level.FAIL},
)

OUTLOOK_BULK: Final = Profile(
    "outlook-bulk",
    "outlook.com, hotmail.com and live.com, from 5,000 messages a day on",
    "Microsoft, requirements for high-volume senders (refused since 5 May 2025 with 550 5.7.515)",
    (
        Requirement("SPF passes", _SPF),
        Requirement("DKIM passes", _DKIM),
        Requirement("a DMARC policy, p=none or stricter", _DMARC),
        Requirement("From is aligned with SPF or DKIM, better with both", ("DM-11", "SPF-14")),
        Requirement("the sending addresses have names that lead back to them", _NAMES),
        Requirement("answers to From and Reply-To arrive", ("MX-01", "MX-02")),
        Requirement("a way to unsubscribe that works", ("MSG-05",)),
    ),
    _MONITORING_IS_ENOUGH,
)

ICLOUD: Final = Profile(
    "icloud",
    "iCloud Mail, for mail to many",
    "Apple, Postmaster information for iCloud Mail",
    (
        Requirement("SPF and DKIM are both used", (*_SPF, *_DKIM)),
        Requirement("a DMARC policy is published", _DMARC),
        Requirement("reverse DNS is set up with names of your domain", (*_NAMES, "IP-03")),
        Requirement("a link to unsubscribe, which holds at once", ("MSG-05",)),
    ),
    _MONITORING_IS_ENOUGH,
)

PROFILES: Final = (GMAIL_BULK, YAHOO_BULK, OUTLOOK_BULK, ICLOUD)
ALL: Final = "all"


def profiles_named(name: str) -> tuple[Profile, ...]:
    """The profile of that name; all of them for ``all``."""
    return tuple(one for one in PROFILES if name in (one.name, ALL))
