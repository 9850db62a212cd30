"""OUT-TLS: our own mail goes out encrypted, to a host that has proved who it is."""

import re
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.lint.finding import Level

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[^/@\s]*@)?(\[[^\]]*\]|[^:/?#\s()]*)")
_LOCAL: Final = re.compile(r"localhost|127\.[0-9.]+|\[::1\]")
_GOOD: Final = {
    "smtp": "STARTTLS is required, and the relay's certificate verified",
    "smtps": "TLS from the first byte, and the relay's certificate verified",
    "direct": "STARTTLS wherever it is offered, and the MTA-STS and DANE of receivers obeyed",
}
_APIS: Final = frozenset({"ses", "sendgrid", "postmark", "mailgun", "resend"})
_JUDGED: Final = frozenset({"smtp+insecure", "smtp+opportunistic", *_GOOD, *_APIS})


async def _look(examination: Examination) -> Sight:
    route = examination.beyond.route
    found = [(scheme, host) for scheme, host in _SCHEME.findall(route or "") if not _LOCAL.fullmatch(host)]
    if not found:
        raise NotApplicable("the route by which mail leaves this machine is not known (--transport)")
    judged = [one for one in found if one[0] in _JUDGED]
    if not judged:
        raise NotApplicable(f"{found[0][0]}:// says nothing of how mail leaves this machine")
    for scheme, host in judged:
        if scheme == "smtp+insecure":
            yield Seen(Level.FAIL, f"mail goes to {host} in plain text; use smtp://{host} or smtps://{host}")
        elif scheme == "smtp+opportunistic":
            seen = f"mail goes to {host} with any certificate; use smtp://{host}, or direct:// to receivers"
            yield Seen(Level.WARN, seen)
        elif scheme in _GOOD:
            yield Seen(Level.PASS, f"{scheme}://: {_GOOD[scheme]}")
        else:
            yield Seen(Level.PASS, f"{scheme}://: by HTTPS; how it goes on is the provider's")


CHECK: Final = Check(
    "OUT-TLS",
    Area.TRANSPORT,
    "Mail leaves by TLS, verified, or by what receivers ask for themselves.",
    "RFC 8461 §5, RFC 7672 §2.2; required by Gmail",
    _look,
)
