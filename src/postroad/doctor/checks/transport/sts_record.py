"""STS-01: one well-formed MTA-STS record, or none."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.transport_policy import fresh_sts_record, sts_record
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    record = await sts_record(examination)
    name = f"_mta-sts.{examination.subject.domain}"
    if record.id is not None:
        yield Seen(Level.PASS, f"{name} has the id {record.id}")
    elif not record.texts:
        yield Seen(Level.INFO, f"{name} has no record: nobody is told that this domain always has TLS")
    else:
        said = ", ".join(excerpt(text) for text in record.texts)
        yield Seen(Level.FAIL, f"{record.fault}: {said}", (fresh_sts_record(examination),))


CHECK: Final = Check(
    "STS-01",
    Area.TRANSPORT,
    "There is one TXT record at _mta-sts, v=STSv1; id=…, with 1 to 32 letters and digits as the id.",
    "RFC 8461 §3.1",
    _look,
)
