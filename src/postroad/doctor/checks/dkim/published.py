"""What is published for the selectors of a domain."""

from dataclasses import dataclass

from postroad.doctor.check import Examination, NotApplicable
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lookup import RecordType
from postroad.mailauth.dkim.keys import SigningKey
from postroad.mailauth.dkim.record import (
    KeyRecord,
    MalformedKeyRecord,
    read_record,
    record_name,
    record_text,
)


@dataclass(frozen=True, slots=True)
class Published:
    """What stands at a selector's name. ``record`` is what can be read of the one text there; else ``fault`` says why
    not. ``key`` is the private key, where it was given."""

    selector: str
    name: str
    texts: tuple[bytes, ...]
    record: KeyRecord | None = None
    fault: str = ""
    key: SigningKey | None = None

    @property
    def text(self) -> str:
        return self.texts[0].decode("utf-8", "backslashreplace")

    @property
    def remedy(self) -> tuple[DnsRecord, ...]:
        """The record of the key that signs, where that is known."""
        return () if self.key is None else (txt(self.name, record_text(self.key)),)

    def rewritten(self, text: str) -> tuple[DnsRecord, ...]:
        """The record with this text, if it can be read."""
        try:
            read_record(text.encode())
        except MalformedKeyRecord:
            return ()
        return (txt(self.name, text),)

    def instead(self, text: str) -> tuple[DnsRecord, ...]:
        """The record of the key that signs, else this text."""
        return self.remedy or (txt(self.name, text),)

    @property
    def mangled(self) -> bool:
        """Quotes and backslashes of a zone file or a panel became part of the text; no tag may hold them."""
        return any(character in self.text for character in '"\\')


async def published(examination: Examination) -> list[Published]:
    """What stands at each selector.

    Raises:
        NotApplicable: no selector is known.
        Unanswered: nothing was learnt.
    """
    subject = examination.subject
    if not subject.selectors:
        raise NotApplicable("no selector is known (--selector)")
    return [await _published(selector, examination) for selector in subject.selectors]


async def single(examination: Examination) -> list[Published]:
    """Those with one text, whatever it says.

    Raises:
        NotApplicable: no selector is known, or none has exactly one.
        Unanswered: nothing was learnt.
    """
    found = [one for one in await published(examination) if len(one.texts) == 1]
    if not found:
        raise NotApplicable("no selector has one record, as DK-01 says")
    return found


async def readable(examination: Examination) -> list[tuple[Published, KeyRecord]]:
    """Those that can be read, revoked ones among them.

    Raises:
        NotApplicable: no selector is known, or none has a record that can be read; other checks tell of that.
        Unanswered: nothing was learnt.
    """
    found = [(one, one.record) for one in await published(examination) if one.record is not None]
    if not found:
        raise NotApplicable("no selector has a key record that can be read, as DK-01 and DK-02 say")
    return found


async def _published(selector: str, examination: Examination) -> Published:
    name = record_name(selector, examination.subject.domain)
    texts = (await examination.ask(name, RecordType.TXT)).texts
    key = examination.subject.keys.get(selector)
    if len(texts) != 1:
        return Published(selector, name, texts, key=key)
    try:
        return Published(selector, name, texts, read_record(texts[0]), key=key)
    except MalformedKeyRecord as fault:
        return Published(selector, name, texts, fault=str(fault), key=key)
