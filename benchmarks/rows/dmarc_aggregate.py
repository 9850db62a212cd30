"""A DMARC aggregate report of a large receiver, from its XML to values."""

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

from benchmarks.contest import Contest, Effort, Figure, Peer, Row, absent, peer
from benchmarks.isolation import isolated
from postroad.reports.dmarc_xml import read_aggregate

RECORDS = 2_100  # which are 900 KB
GOAL = 0.11  # of the time of parsedmarc, which is 0.06 s where that takes 0.55 s
_HEAD = """\
<?xml version="1.0" encoding="UTF-8" ?>
<feedback><version>1.0</version><report_metadata><org_name>receiver.example</org_name>\
<email>dmarc@receiver.example</email><report_id>1</report_id>\
<date_range><begin>1711897200</begin><end>1711983599</end></date_range></report_metadata>\
<policy_published><domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>none</p></policy_published>
"""


def report() -> bytes:
    """No record is like another, and one in five is from IPv6; results and domains come back, as in real ones."""
    return (_HEAD + "".join(map(_record, range(RECORDS))) + "</feedback>\n").encode()


def _record(number: int) -> str:
    address = f"2001:db8::{number:x}" if number % 5 == 0 else f"192.0.{number // 250}.{number % 250}"
    spf = f"m{number % 37}.example.com"
    return (
        f"<record><row><source_ip>{address}</source_ip><count>{number * 7 % 400 + 1}</count><policy_evaluated>"
        f"<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>"
        f"<identifiers><header_from>d{number % 11}.example.com</header_from></identifiers><auth_results>"
        f"<dkim><domain>example.com</domain><selector>s{number % 3}</selector><result>pass</result></dkim>"
        f"<spf><domain>{spf}</domain><result>fail</result></spf></auth_results></record>\n"
    )


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    times = effort.pick(full=5, quick=1)
    return Contest(
        work=times, turns=effort.pick(full=5, quick=2), ours=isolated(read_ours, times), peers=[_peer(times)]
    )


def _peer(times: int) -> Peer:
    try:
        import parsedmarc  # noqa: F401 - whether it is there
    except ImportError as fault:
        return absent("parsedmarc", GOAL, f"not installed: {fault.name}")
    return peer("parsedmarc", GOAL, isolated(read_theirs, times))


def read_ours(times: int) -> float:
    return _timed(read_aggregate, times)


def read_theirs(times: int) -> float:
    import parsedmarc  # takes a second, and only this process needs it

    return _timed(
        lambda octets: parsedmarc.parse_aggregate_report_xml(octets, offline=True, always_use_local_files=True), times
    )


def _timed(read: Callable[[bytes], object], times: int) -> float:
    octets = report()
    read(octets)  # loads what only the first report needs
    started = perf_counter()
    for _ in range(times):
        read(octets)
    return perf_counter() - started


ROW = Row("dmarc-aggregate", "DMARC aggregate report, 900 KB", Figure.TIME, prepare)
