"""MX-04: somebody reads postmaster and abuse."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.transport_policy import exchangers
from postroad.lint.finding import Level

_LOCAL_PARTS: Final = ("postmaster", "abuse")


async def _look(examination: Examination) -> Sight:
    question = examination.beyond.mailboxes
    if question is None:
        raise NotApplicable("no mail exchanger is to be asked about mailboxes (--connect)")
    hosts = await exchangers(examination)
    if not hosts:
        raise NotApplicable("there is no mail exchanger (MX-01)")
    addresses = [f"{local}@{examination.subject.domain}" for local in _LOCAL_PARTS]
    replies = await question(hosts[0], addresses)
    for address in addresses:
        reply = replies.get(address)
        if reply is None or reply.code.temporary:
            said = f" ({excerpt(str(reply))})" if reply is not None else ""
            yield Seen(Level.UNKNOWN, f"{hosts[0]} does not say whether it takes mail for {address}{said}")
        elif reply.code.permanent:
            yield Seen(Level.WARN, f"{hosts[0]} takes no mail for {address}: {excerpt(str(reply))}")
        else:
            yield Seen(Level.PASS, f"{hosts[0]} takes mail for {address}")


CHECK: Final = Check(
    "MX-04",
    Area.RECEPTION,
    "postmaster@ and abuse@ take mail: receivers write there before they block.",
    "RFC 5321 §4.5.1, RFC 2142 §2, §4",
    _look,
)
