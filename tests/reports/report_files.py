"""Reports of our own making, and what they are packed in."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

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


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def corpus_files(corpora: Path, folder: str) -> list[Path]:
    return sorted(path for path in (corpora / "reports" / folder).iterdir() if path.is_file())
