"""The BIMI record of the domain, for the checks of this folder."""

from dataclasses import dataclass
from typing import Final

from postroad.doctor.check import Examination, NotApplicable
from postroad.doctor.transport_policy import meant_as
from postroad.lookup import RecordType
from postroad.mailauth.tag_list import MalformedTagList, read_tags

SECONDS: Final = 30.0  # for the logo, or the certificate, to come


@dataclass(frozen=True, slots=True)
class BimiRecord:
    """``texts`` are the records that begin as one; ``tags`` those of the only one, in lower case, if it is well-formed;
    else ``fault`` says what is wrong."""

    name: str
    texts: tuple[bytes, ...]
    tags: dict[str, str]
    fault: str = ""

    @property
    def logo(self) -> str:
        """Where the logo is."""
        return self.tags.get("l", "")

    @property
    def evidence(self) -> str:
        """Where the mark certificate is."""
        return self.tags.get("a", "")


async def bimi_record(examination: Examination) -> BimiRecord:
    """The record for the selector ``default``, which receivers ask for unless a message says otherwise.

    Raises:
        Unanswered: nothing was learnt.
    """
    name = f"default._bimi.{examination.subject.domain}"
    meant = meant_as((await examination.ask(name, RecordType.TXT)).texts, b"v=bimi", b"l=")
    if not meant:
        return BimiRecord(name, (), {})
    if len(meant) > 1:
        return BimiRecord(name, meant, {}, f"there are {len(meant)} records, so that there is none")
    try:
        tags = {key.lower(): value for key, value in read_tags(meant[0]).items()}
    except MalformedTagList as fault:
        return BimiRecord(name, meant, {}, f"it is malformed: {fault}")
    return BimiRecord(name, meant, tags)


async def needed(examination: Examination) -> BimiRecord:
    """The record, where there is one.

    Raises:
        NotApplicable: there is none.
        Unanswered: nothing was learnt.
    """
    record = await bimi_record(examination)
    if not record.tags:
        raise NotApplicable("there is no BIMI record (BIMI-01)")
    return record
