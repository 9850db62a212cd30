"""DMARC aggregate reports: both RFCs' forms, what reporters write besides, and what is refused."""

import json
import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.reports.dmarc_aggregate import DkimResult, Reason, SpfResult
from postroad.reports.dmarc_xml import read_aggregate, read_shortened
from postroad.reports.plain_records import MARK, Shortened, shortened
from tests.reports.report_files import HEAD, NAMESPACE, RECORD, REPORT, RFC_9990, feedback


def with_record(old: str, new: str) -> bytes:
    assert old in RECORD
    return feedback(RECORD, RECORD.replace(old, new))


def test_the_form_of_rfc_9990_is_read_in_full() -> None:
    report = read_aggregate(RFC_9990)
    assert report.deviations == ()
    assert (report.version, report.namespace, report.messages) == ("1.0", NAMESPACE, 12)
    metadata, policy, record = report.metadata, report.policy, report.records[0]
    assert metadata.report_id == "<r@receiver.example>"
    assert (metadata.extra_contact_info, metadata.errors, metadata.generator) == (
        "by phone",
        ("two records",),
        "Gen 2.0",
    )
    assert (policy.domain, policy.p, policy.sp, policy.np) == ("example.com", "reject", "quarantine", "reject")
    assert (policy.adkim, policy.aspf, policy.fo, policy.pct) == ("s", "r", "1:d", None)
    assert (policy.testing, policy.discovery_method) == ("y", "treewalk")
    assert record.source_ip == ip_address("2001:db8::7")
    assert record.policy_evaluated.reasons == (Reason("policy_test_mode", "t=y"), Reason("mailing_list", ""))
    assert record.policy_evaluated.aligned
    assert record.identifiers.envelope_to == "receiver.example"
    assert record.dkim[1] == DkimResult("list.example", "b", "permerror", "bad")
    assert record.spf == (SpfResult("list.example", "mfrom", "softfail", ""),)


def test_the_json_is_in_the_words_of_the_rfc() -> None:
    assert json.loads(json.dumps(read_aggregate(REPORT).as_json())) == {
        "version": None,
        "namespace": None,
        "report_metadata": {
            "org_name": "Receiver Inc.",
            "email": "dmarc@receiver.example",
            "extra_contact_info": None,
            "report_id": "r1",
            "date_range": {"begin": 1750000000, "end": 1750086399},
            "errors": [],
            "generator": None,
        },
        "policy_published": {
            "domain": "example.com",
            "p": "none",
            "sp": None,
            "np": None,
            "adkim": "r",
            "aspf": "r",
            "pct": None,
            "fo": None,
            "testing": None,
            "discovery_method": None,
        },
        "records": [
            {
                "source_ip": "192.0.2.1",
                "count": 7,
                "policy_evaluated": {"disposition": "none", "dkim": "pass", "spf": "fail", "reasons": []},
                "identifiers": {"header_from": "example.com", "envelope_from": None, "envelope_to": None},
                "auth_results": {
                    "dkim": [{"domain": "example.com", "selector": "s1", "result": "pass", "human_result": None}],
                    "spf": [{"domain": "bounce.example.com", "scope": "mfrom", "result": "fail", "human_result": None}],
                },
            }
        ],
        "deviations": [],
    }


@pytest.mark.parametrize(
    ("octets", "deviation"),
    [
        (with_record("<dkim>pass</dkim>", "<dkim>Pass</dkim>"), "record 2: <dkim> is 'Pass', not in lower case"),
        (with_record("<result>pass", "<result>hardfail"), "record 2: <result> is 'hardfail', a word that no RFC knows"),
        (with_record("<spf>fail</spf>", ""), "record 2: <spf> is missing or empty"),
        (with_record("<count>7</count>", "<count>7.0</count>"), "record 2: <count> is '7.0', no whole number"),
        (with_record("<count>7</count>", "<count>-7</count>"), "record 2: left out: its <count> is '-7', no number"),
        (with_record("192.0.2.1", "mail.example"), "left out: its <source_ip> is 'mail.example', no address"),
        (with_record("192.0.2.1", "192.0.2.01"), "left out: its <source_ip> is '192.0.2.01', no address"),
        (with_record("<header_from>example.com</header_from>", ""), "record 2: <identifiers> has no <header_from>"),
        (with_record("<row>", "<row><novelty/>"), "record 2: 'novelty' is no element of <row>"),
        (with_record("<selector>", "<novelty/><selector>"), "record 2: 'novelty' is no element of <dkim>"),
        (with_record("</row>", "</row> stray <more/>"), "text stands before the element 'more', between others"),
        (feedback(RECORD).replace(b"record>", b"Record>"), "the element 'Record' is not in lower case"),
        (feedback(RECORD, before=" \n"), "white space stands before the XML"),
        (feedback(RECORD, before="<outer>"), "before the report stands the element 'outer'"),
        (feedback(RECORD) + b"<junk>", "around the report the XML is not well-formed: junk after document element"),
        (feedback(RECORD) + b"\0\0", "around the report the XML is not well-formed: not well-formed (invalid token)"),
        (feedback(RECORD, head=HEAD + "<novelty/>"), "'novelty' is no element of a report"),
        (feedback(RECORD, head=HEAD + HEAD[HEAD.index("<policy") :]), "there are two <policy_published>; the first"),
        (feedback(RECORD, head=HEAD.replace("<p>none</p>", "<p>none</p><pct>full</pct>")), "<pct> is 'full'"),
        (feedback(RECORD, head=HEAD.replace("1750000000", "1750000000.25")), "<begin> is '1750000000.25', not seconds"),
        (feedback(RECORD, head=HEAD.replace("1750000000", "1750000000000")), "<begin> is '1750000000000', not seconds"),
        (
            feedback(RECORD, head=HEAD.replace("1750000000", "2025-06-15T15:06:40Z")),
            "<begin> is '2025-06-15T15:06:40Z'",
        ),
        (feedback(RECORD, head=HEAD.replace("1750000000", "1760000000")), "<date_range> ends before it begins"),
        (feedback(RECORD, head=HEAD.replace("<report_id>r1</report_id>", "")), "<report_metadata> has no <report_id>"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_real_reporters_do_is_read_and_said(octets: bytes, deviation: str) -> None:
    report = read_aggregate(octets)
    assert report.records[0].count == 7
    assert deviation in "\n".join(report.deviations)
    assert report.metadata.begin in (1750000000, 1760000000)


def test_the_same_deviation_of_many_records_is_said_once() -> None:
    report = read_aggregate(feedback(*[RECORD.replace("<dkim>pass", "<dkim>PASS")] * 30))
    assert report.deviations == ("record 1 and 29 more: <dkim> is 'PASS', not in lower case",)
    assert len(report.records) == 30


def test_drafts_had_other_names() -> None:
    report = read_aggregate(feedback(RECORD.replace("identifiers", "identities")))
    assert report.records[0].identifiers.header_from == "example.com"


def test_a_prefix_and_a_wrapper_do_not_matter() -> None:
    prefixed = re.sub(r"<(/?)(\w)", r"<\1d:\2", REPORT.partition(b"\n")[2].decode())
    wrapped = f"<x:outer xmlns:x='urn:x'>{prefixed.replace('<d:feedback', f'<d:feedback xmlns:d={NAMESPACE!r}', 1)}"
    report = read_aggregate(wrapped.encode())
    assert report.namespace == NAMESPACE
    assert report.records == read_aggregate(REPORT).records


def test_counts_may_be_huge() -> None:
    assert read_aggregate(feedback(RECORD.replace(">7<", ">18446744073709551615<"))).messages == 2**64 - 1


@pytest.mark.parametrize(
    ("charset", "begin"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("iso-8859-1", b""),
        ("windows-1252", b""),
        ("iso-8859-15", b""),
    ],
)
def test_charsets(charset: str, begin: bytes) -> None:
    named = "utf-16" if charset.startswith("utf-16") else charset
    text = REPORT.decode().replace("UTF-8", named).replace("Receiver Inc.", "Empfänger & Söhne".replace("&", "&amp;"))
    report = read_aggregate(begin + text.encode(charset))
    assert report.metadata.org_name == "Empfänger & Söhne"
    assert report.deviations == ()


@pytest.mark.parametrize("charset", ["gb2312", "shift_jis", "euc-kr", "koi8-r"])
def test_charsets_that_expat_does_not_know(charset: str) -> None:
    name = {"gb2312": "网易", "shift_jis": "日本", "euc-kr": "한국", "koi8-r": "Почта"}[charset]
    octets = REPORT.decode().replace("UTF-8", charset).replace("Receiver Inc.", name).encode(charset)
    assert read_aggregate(octets).metadata.org_name == name


def test_a_declaration_of_utf_16_in_utf_8_is_none() -> None:
    report = read_aggregate(REPORT.replace(b"UTF-8", b"utf-16"))
    assert report.deviations == ("it says that it is in utf-16, and is in UTF-8",)


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"<", "no well-formed XML"),
        (b"<html><body>No report</body></html>", "no <feedback>; its root is 'html'"),
        (b"<feedback/>", "no <report_metadata>"),
        (feedback(RECORD, head=""), "no <report_metadata>"),
        (feedback(RECORD, head=HEAD[: HEAD.index("<policy")]), "no <policy_published>"),
        (
            feedback(RECORD, head=HEAD.replace("<domain>example.com</domain>", "")),
            "no <policy_published> with a <domain>",
        ),
        (feedback(RECORD, head=HEAD + HEAD), "two <report_metadata>"),
        (feedback(), "no <record> that can be read"),
        (feedback(RECORD.replace("<count>7", "<count>many")), "no <record> that can be read: record 1: left out"),
        (
            feedback(RECORD, head=HEAD.replace("<begin>1750000000</begin>", "")),
            "<begin> of its time is '', which is none",
        ),
        (feedback(RECORD, head=HEAD.replace("1750000000", "yesterday")), "<begin> of its time is 'yesterday'"),
        (feedback(RECORD, head=HEAD.replace("1750000000", "9" * 20)), "<begin> of its time is '9"),
        (REPORT[:-20], "no well-formed XML: (no element|unclosed token)"),
        (REPORT.replace(b"</email>", b""), "no well-formed XML: mismatched tag, line 3"),
        (REPORT.replace(b"<count>7</count>", b"<count>7</count"), "no well-formed XML: .*, line 7"),
        (REPORT.replace(b"Receiver", b"Receiver & Sons"), "no well-formed XML"),
        (REPORT.replace(b"Receiver", b"Empf\xe4nger"), "no well-formed XML"),
        (REPORT.replace(b"UTF-8", b"windows-1252").replace(b"Receiver", b"\x81"), "not in windows-1252"),
        (REPORT.replace(b"UTF-8", b"x-klingon"), "charset x-klingon, which is not known"),
        (REPORT.replace(b"UTF-8", b"punycode"), "charset punycode, which is not known"),
        (REPORT.replace(b"UTF-8", b"iso-8859-99"), "charset iso-8859-99, which is not known"),
        (feedback(RECORD, before="<!DOCTYPE feedback>"), "document type definition"),
        (feedback(RECORD, before='<!DOCTYPE feedback [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "document type"),
        (feedback(RECORD, before='<!DOCTYPE feedback SYSTEM "http://192.0.2.1/x.dtd">'), "document type definition"),
        (
            b'<!DOCTYPE f [<!ENTITY l0 "ha">' + LAUGHS + b"]>" + feedback(RECORD.replace(">7<", ">&l9;<")),
            "document type",
        ),
        (feedback(RECORD.replace(">7<", ">&unknown;<")), "undefined entity"),
        (feedback("<record>" + "<row>" * 30 + "</row>" * 30 + "</record>"), "nested more than"),
    ],
)
def test_what_is_broken_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why) as caught:
        read_aggregate(octets)
    assert caught.value.field == "report"


# ── the short way ─────────────────────────────────────────────────────────────────────────────────────────────────────


def outcome(octets: bytes, *, short: bool) -> object:
    try:
        return read_aggregate(octets) if short else read_shortened(Shortened(octets, []))
    except MessageError as refused:
        return str(refused)


def test_plain_records_are_cut_out() -> None:
    short = shortened(feedback(*[RECORD] * 40, RECORD.replace("<row>", "<row a='1'>"), RECORD))
    assert [len(run) for run in short.runs] == [40, 1]
    assert short.octets.count(b"<record>") == 1


@pytest.mark.parametrize(
    "octets",
    [
        feedback(f"<!-- {RECORD} -->", RECORD),
        feedback(f"<extension>{RECORD}</extension>", RECORD),
        feedback(RECORD.replace("<row>", "<row><!-- x -->")),
        feedback(RECORD.replace(">7<", "><![CDATA[7]]><")),
        feedback(RECORD.replace("s1", "s&#49;")),
        feedback(RECORD.replace("s1", "s]]>1")),
        feedback(RECORD.replace("<row>", "stray<row>")),
        feedback(RECORD.replace("</row>", "stray</row>")),
        feedback(RECORD.replace("<selector>", "stray<selector>")),
        feedback(RECORD.replace("</selector>", "</selector>stray")),
        feedback(RECORD.replace("<selector>s1</selector>", "<selector/>")),
        feedback(RECORD.replace("<selector>s1</selector>", "<selector></selector>")),
        feedback(RECORD.replace("<selector>s1</selector>", "<selector>s<b>1</b></selector>")),
        feedback(RECORD.replace("auth_results", "auth_Results")),
        feedback(f"<a b='{RECORD}'/>"),
        feedback(f"<{MARK}0/>", RECORD),
        feedback(RECORD, f"<{MARK}0/>"),
        feedback(RECORD, f"<{MARK.upper()}0/>"),
        feedback(RECORD, f"<{MARK}x/>"),
        feedback(RECORD + "x" + RECORD),
        feedback(RECORD, before="<?xml version='1.0'?><?pi <record>?>"),
        feedback(RECORD.replace("</identifiers>", "</identifiers></record><record>")),
        feedback("<record>" * 3 + RECORD + "</record>"),
        feedback(RECORD) + RECORD.encode(),
        RECORD.encode() + feedback(RECORD),
    ],
)
def test_the_short_way_reads_what_expat_reads(octets: bytes) -> None:
    assert outcome(octets, short=True) == outcome(octets, short=False)


PIECES = re.findall(r"<[^>]*>|[^<]+", REPORT.decode() + RECORD)
HURTFUL = [*PIECES, "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&#49;", "\0", "ä", "<a/>", "<record>", f"<{MARK}0/>"]


@given(st.lists(st.tuples(st.integers(0, len(PIECES)), st.integers(0, 3), st.sampled_from(HURTFUL)), max_size=4))
def test_the_short_way_reads_what_expat_reads_whatever_it_is(changes: list[tuple[int, int, str]]) -> None:
    pieces = [*PIECES[: PIECES.index("</feedback>")], *PIECES[PIECES.index("<record>") :]]
    for place, length, piece in changes:
        pieces[place : place + length] = [piece]
    octets = "".join(pieces).encode()
    assert outcome(octets, short=True) == outcome(octets, short=False)
