"""The policy record that holds for a domain, and how it is written anew."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postroad.doctor.check import Examination, NotApplicable
from postroad.doctor.remedy import DnsRecord, txt
from postroad.doctor.tag_text import retagged
from postroad.lookup import RecordType
from postroad.mailauth.dmarc.policy import Discovered, discover
from postroad.mailauth.dmarc.record import DmarcRecord, Oddity
from postroad.mailauth.dmarc.tree_walk import Finding, Step, Walker

VERSION: Final = "v=DMARC1"
POLICY_TAGS: Final = frozenset({"p", "sp", "np"})
JUDGED_APART: Final = frozenset({"rua", "ruf", "fo", "psd"})  # tags whose values have checks of their own
# Any version, first or behind another tag; or the policy first, and the version forgotten.
_MEANT: Final = re.compile(r"(?:.*[;,])?v=dmarc|p=(?:none|quarantine|reject)(?:[;,]|$)")


@dataclass(frozen=True, slots=True)
class Published:
    """The record that was found, and at which domain."""

    record: DmarcRecord
    domain: str

    @property
    def name(self) -> str:
        return f"_dmarc.{self.domain}"

    def with_tags(self, changes: Mapping[str, str | None]) -> tuple[DnsRecord, ...]:
        """The same record with other tags."""
        return (txt(self.name, retagged(self.record.text, changes)),)

    def odd(self, *oddities: Oddity) -> list[tuple[str, str]]:
        """What in the record does not count, for one of these reasons: tag, and what stands there."""
        return [(note.tag, note.text) for note in self.record.notes if note.oddity in oddities]


async def discovered(examination: Examination) -> tuple[Discovered, tuple[Step, ...]]:
    """What receivers find for mail from the domain, and the questions that they ask."""
    walker = Walker(examination.resolver)
    return await discover(examination.subject.domain, walker, examination.resolver), walker.steps


async def published(examination: Examination) -> Published:
    """The record that holds.

    Raises:
        NotApplicable: there is none; another check says why.
    """
    found, steps = await discovered(examination)
    if found.record is not None and found.domain is not None:
        return Published(found.record, found.domain)
    if steps and steps[0].finding is Finding.SEVERAL:
        raise NotApplicable("there are several records, as DM-02 says")
    raise NotApplicable("there is no DMARC record, as DM-01, DM-03 or DM-12 says")


async def misplaced(examination: Examination) -> list[tuple[str, str]]:
    """Policy records where nobody looks for them: name and text."""
    domain = examination.subject.domain
    found = []
    # At the domain itself; or where panels put what was typed in with its domain, which they add.
    for name in (domain, f"_dmarc.{domain}.{domain}"):
        texts = (await examination.ask(name, RecordType.TXT)).texts
        found += [(name, one.decode("utf-8", "backslashreplace")) for one in texts if is_meant_as_policy(one)]
    return found


def is_meant_as_policy(text: bytes) -> bool:
    """Whether somebody meant a policy record, right or wrong."""
    return _MEANT.match("".join(text.decode("latin-1").split()).replace('"', "").strip("'").lower()) is not None


def first_record(domain: str) -> DnsRecord:
    """The record to begin with: nothing is refused yet, and reports tell who sends (RFC 9989 §5.1)."""
    return txt(f"_dmarc.{domain}", f"{VERSION}; p=none; rua=mailto:{mailbox(domain)}")


def mailbox(domain: str) -> str:
    """Where reports go if nobody said so."""
    return f"dmarc-reports@{domain}"
