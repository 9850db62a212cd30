"""TR-01: a record that says where reports about TLS go to."""

import re
from collections.abc import Sequence
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.remedy import txt
from postroad.doctor.transport_policy import meant_as
from postroad.lint.finding import Level
from postroad.lookup import RecordType

# RFC 8460 §3: tlsrpt-record, with extensions; a comma or a semicolon inside a URI is percent-encoded.
_URI: Final = r"(?:(?i:mailto):(?!//)[^\s,;!@\x80-\xff]+@[^\s,;!@\x80-\xff]+|(?i:https)://[^\s,;!\x80-\xff]+)"
_RECORD: Final = re.compile(
    rf"v=TLSRPTv1[ \t]*;[ \t]*rua={_URI}(?:[ \t]*,[ \t]*{_URI})*"
    r"(?:[ \t]*;[ \t]*[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+)*[ \t]*;?[ \t]*"
)
# What of a record that cannot be read tells where its reports were to go; the lengths are those of RFC 5321 §4.5.3.1.
_PLACE: Final = re.compile(
    r"""https://[^\s,;!"'\\<>]+|[^\s,;:!"'\\<>/=@]{1,64}@[^\s,;:!"'\\<>/=@]{1,255}""", re.IGNORECASE
)


async def _look(examination: Examination) -> Sight:
    domain = examination.subject.domain
    name = f"_smtp._tls.{domain}"
    texts = meant_as((await examination.ask(name, RecordType.TXT)).texts, b"v=tlsrpt", b"rua=")
    publish = (txt(name, _record(texts) or f"v=TLSRPTv1; rua=mailto:tls-reports@{domain}"),)
    if not texts:
        yield Seen(Level.INFO, f"{name} has no record: nobody tells when TLS to this domain fails", publish)
    elif len(texts) > 1:
        yield Seen(Level.FAIL, f"{name} has {len(texts)} records, so that there is none", publish)
    elif not _RECORD.fullmatch(texts[0].decode("latin-1")):
        yield Seen(Level.FAIL, f"{name} is malformed: {excerpt(texts[0])}", publish)
    else:
        yield Seen(Level.PASS, f"{name}: {excerpt(texts[0])}")


def _record(texts: Sequence[bytes]) -> str | None:
    """One record with all the places that are named in these, if there is any."""
    places = _PLACE.findall("; ".join(text.decode("latin-1") for text in texts))
    uris = dict.fromkeys(place if "://" in place else f"mailto:{place}" for place in places)
    record = f"v=TLSRPTv1; rua={','.join(uris)}"
    return record if record.isascii() and _RECORD.fullmatch(record) else None


CHECK: Final = Check(
    "TR-01",
    Area.TRANSPORT,
    "There is one TXT record at _smtp._tls, v=TLSRPTv1; rua=…, with mailto: or https: addresses.",
    "RFC 8460 §3",
    _look,
)
