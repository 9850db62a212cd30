"""From the XML of a DMARC aggregate report to its value, tolerant of what real reporters write.

RFC 7489 Appendix C and RFC 9990 differ in few elements, and reporters mix them: both are read alike. A report is
refused where nobody could say what it means: without its reporter and time, the domain, or one record that counts.
"""

from typing import Final

from postroad.errors import MessageError
from postroad.reports.containers import refuse
from postroad.reports.deviations import Deviations, shown
from postroad.reports.dmarc_aggregate import AggregateReport, Metadata, PolicyPublished, Record
from postroad.reports.dmarc_head import read_metadata, read_policy
from postroad.reports.dmarc_record import RecordReader
from postroad.reports.dmarc_words import Words
from postroad.reports.plain_records import MARK, Shortened, shortened
from postroad.reports.xml_elements import Value, read_elements

MAX_RECORDS: Final = 250_000  # a hundred times what a large receiver sends about a large sender
_ADVICE: Final = "Ask the reporter for it again, and tell them what is wrong with it."


def read_aggregate(octets: bytes) -> AggregateReport:
    """Read the XML of a report.

    Raises:
        MessageError: it is no well-formed XML, no DMARC aggregate report, or not one that can be understood.
    """
    short, whole = shortened(octets), Shortened(octets, [])
    try:
        report = read_shortened(short)
    except MessageError:
        if not short.runs:
            raise
        # What is wrong is told with the line where it really stands.
        return read_shortened(whole)
    return read_shortened(whole) if any(MARK in one for one in report.deviations) and short.runs else report


def read_shortened(short: Shortened) -> AggregateReport:
    """Read a report some of whose records were read already.

    Raises:
        MessageError: as for the whole; lines are counted without those records.
    """
    reading = _Reading(short)
    root = read_elements(short.octets, "feedback", reading.take, reading.deviations.add)
    if root.before:
        reading.deviations.add(f"before the report stands the element {shown(root.before[0])}")
    return reading.report(root.namespace)


class _Reading:
    """What is read of one report so far."""

    def __init__(self, short: Shortened) -> None:
        self.deviations = Deviations()
        self._short = short
        self._version = ""
        self._metadata: Metadata | None = None
        self._policy: PolicyPublished | None = None
        self._records: list[Record] = []
        self._head = Words(self.deviations)
        self._body = Words(self.deviations)
        self._reader = RecordReader(self._body)

    def take(self, name: str, value: Value) -> None:
        if name == "record":
            self._take_record(value)
        elif self._short.runs and name.startswith(MARK):
            for record in self._short.records(name):
                self._take_record(record)
        elif name == "report_metadata":
            if self._metadata is not None:
                refuse("it has two <report_metadata>", _ADVICE)
            self._metadata = read_metadata(value, self._head)
        elif name == "policy_published":
            self._take_policy(read_policy(value, self._head))
        elif name == "version" and isinstance(value, str):
            self._version = value
        elif name != "extension" and ":" not in name:
            self.deviations.add(f"{shown(name)} is no element of a report")

    def _take_policy(self, policy: PolicyPublished | None) -> None:
        if policy is not None and self._policy is not None:
            self.deviations.add("there are two <policy_published>; the first holds")
        self._policy = self._policy or policy

    def _take_record(self, value: Value) -> None:
        self._body.record += 1
        if self._body.record > MAX_RECORDS:
            refuse(f"it has more than {MAX_RECORDS} records", _ADVICE)
        record = self._reader.read(value)
        if record is not None:
            self._records.append(record)

    def report(self, namespace: str) -> AggregateReport:
        if self._metadata is None:
            refuse("it has no <report_metadata>: nobody says who reports about which time", _ADVICE)
        if self._policy is None:
            refuse("it has no <policy_published> with a <domain>: it is about no domain", _ADVICE)
        sentences = self.deviations.sentences()
        if not self._records:
            why = f": {'; '.join(sentences[-3:])}" if self._body.record else ""
            refuse(f"it has no <record> that can be read{why}", _ADVICE)
        return AggregateReport(self._version, namespace, self._metadata, self._policy, tuple(self._records), sentences)
