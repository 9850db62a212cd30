"""Reports of our own making, and what they are packed in."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"  # RFC 9990
HEAD = """\
<report_metadata><org_name>Receiver Inc.</org_name><email>dmarc@receiver.example</email>\
<report_id>r1</report_id><date_range><begin>1750000000</begin><end>1750086399</end></date_range></report_metadata>
<policy_published><domain>example.com</domain><p>none</p></policy_published>
"""
RECORD = """\
<record>
  <row><source_ip>192.0.2.1</source_ip><count>7</count>
    <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated>
  </row>
  <identifiers><header_from>example.com</header_from></identifiers>
  <auth_results>
    <dkim><domain>example.com</domain><selector>s1</selector><result>pass</result></dkim>
    <spf><domain>bounce.example.com</domain><result>fail</result></spf>
  </auth_results>
</record>
"""


def feedback(*records: str, head: str = HEAD, attributes: str = "", before: str = "") -> bytes:
    return f"{before}<feedback{attributes}>\n{head}{''.join(records)}</feedback>\n".encode()


REPORT = feedback(RECORD, before='<?xml version="1.0" encoding="UTF-8"?>\n')


RFC_9990 = f"""\
<feedback xmlns="{NAMESPACE}" xmlns:x="urn:example:extension">
  <version>1.0</version>
  <report_metadata>
    <org_name>Receiver</org_name><email>dmarc@receiver.example</email><report_id>&lt;r@receiver.example&gt;</report_id>
    <extra_contact_info xml:lang="en">by phone</extra_contact_info><error xml:lang="en">two records</error>
    <date_range><begin>1750000000</begin><end>1750086399</end></date_range><generator>Gen 2.0</generator>
  </report_metadata>
  <policy_published>
    <domain>Example.COM.</domain><p>reject</p><sp>quarantine</sp><np>reject</np><adkim>s</adkim><aspf>r</aspf>
    <fo>1:d</fo><testing>y</testing><discovery_method>treewalk</discovery_method>
  </policy_published>
  <extension><x:thing><x:source_ip>unread</x:source_ip></x:thing></extension>
  <record>
    <row>
      <source_ip>2001:DB8::7</source_ip><count>12</count>
      <policy_evaluated>
        <disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf>
        <reason><type>policy_test_mode</type><comment>t=y</comment></reason>
        <reason><type>mailing_list</type></reason>
      </policy_evaluated>
    </row>
    <identifiers>
      <header_from>example.com</header_from><envelope_from/><envelope_to>receiver.example</envelope_to>
    </identifiers>
    <auth_results>
      <dkim><domain>example.com</domain><selector>a</selector><result>pass</result></dkim>
      <dkim>
        <domain>list.example</domain><selector>b</selector><result>permerror</result><human_result>bad</human_result>
      </dkim>
      <spf><domain>list.example</domain><scope>mfrom</scope><result>softfail</result></spf>
    </auth_results>
    <x:source_ip>unread</x:source_ip>
  </record>
</feedback>
""".encode()

TLS_REPORT: dict[str, Any] = {
    "organization-name": "Receiver",
    "date-range": {"start-datetime": "2026-04-01T00:00:00Z", "end-datetime": "2026-04-01T23:59:59Z"},
    "contact-info": "tls@receiver.example",
    "report-id": "5065427c-23d3-47ca",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: enforce", "mx: *.example.com", "max_age: 86400"],
                "policy-domain": "example.com",
                "mx-host": ["*.example.com"],
            },
            "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 3},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "2001:db8:abcd:12::1",
                    "receiving-mx-hostname": "mx1.example.com",
                    "receiving-mx-helo": "mx1",
                    "receiving-ip": "203.0.113.56",
                    "failed-session-count": 2,
                    "additional-information": "https://receiver.example/r?id=1",
                    "failure-reason-code": "X509_V_ERR",
                },
                {"result-type": "starttls-not-supported", "failed-session-count": 1},
            ],
        },
        {
            "policy": {"policy-type": "no-policy-found", "policy-domain": "example.net"},
            "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
        },
    ],
}

FAILURE_FIELDS = """\
Feedback-Type: auth-failure
Version: 1
User-Agent: Filter/1.2
Auth-Failure: dmarc
Authentication-Results: receiver.example;
  dmarc=fail header.from=example.com
Authentication-Results: other.example; spf=fail
Identity-Alignment: dkim, spf
Delivery-Result: reject
DKIM-Domain: example.com
DKIM-Identity: @example.com
DKIM-Selector: s1
DKIM-Canonicalized-Body: VGhpcyBp
  cyBhIGJvZHk=
SPF-DNS: txt : example.com : "v=spf1 -all"
Original-Envelope-Id: 65E1A3F0A0
Original-Mail-From: <ann@example.com>
Original-Rcpt-To: <bob@receiver.example>
Arrival-Date: Tue, 19 Jul 2022 00:57:48 -0500
Source-IP: 2001:DB8::2
Source-Port: 12345
Reported-Domain: Example.COM
Reported-URI: https://example.com/
Incidents: 3
"""
ORIGINAL_HEADER = "Message-ID: <1@example.com>\nFrom: Ann <ann@example.com>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"


def failure_report(
    fields: str = FAILURE_FIELDS, kind: str = "text/rfc822-headers", original: str = ORIGINAL_HEADER
) -> bytes:
    return (
        "From: r@receiver.example\nTo: d@example.com\nSubject: FW: x\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        "--b\n\nAn authentication failure.\n\n"
        f"--b\nContent-Type: message/feedback-report\n\n{fields}\n"
        f"--b\nContent-Type: {kind}\n\n{original}\n--b--\n"
    ).encode()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def corpus_files(corpora: Path, folder: str) -> list[Path]:
    return sorted(path for path in (corpora / "reports" / folder).iterdir() if path.is_file())
