"""Where mutation begins: what was really sent, as far as there is any at hand, and what the RFCs show."""

import gzip
import json
from collections.abc import Sequence

from tests.conftest import corpora_folder
from tests.reports.report_files import REPORT, RFC_9990, TLS_REPORT, failure_report, zipped

MOST_OCTETS = 60_000  # of one seed


def lines(*texts: str) -> bytes:
    return "".join(f"{text}\r\n" for text in texts).encode()


REPLIES = (
    lines("220 mx.example.com ESMTP"),
    lines("250-mx.example.com", "250-SIZE 52428800", "250-AUTH PLAIN LOGIN", "250-LIMITS RCPTMAX=100", "250 SMTPUTF8"),
    lines("250 2.1.0 Ok", "250 2.1.5 Ok", "354 End data with <CR><LF>.<CR><LF>", "250 2.0.0 queued as 4F2"),
    lines("334 VXNlcm5hbWU6", "235 2.7.0 ok"),
    lines("550-5.7.26 This mail was blocked, because the", "550-5.7.26 sender is nobody.", "550 5.7.26 gsmtp"),
    lines("421 4.7.0 Try again later"),
    lines("220 2.0.0 Ready to start TLS"),
    lines("250", "250-", "250 "),
)
COMMANDS = (
    lines(
        *("EHLO client.example", "MAIL FROM:<ann@a.example> SIZE=30 BODY=8BITMIME", "RCPT TO:<bob@b.example>", "DATA"),
        *("Subject: x", "", "..dots", ".", "QUIT"),
    ),
    lines(
        *("EHLO [IPv6:2001:db8::1]", "MAIL FROM:<> RET=HDRS ENVID=QQ314159"),
        *("RCPT TO:<bob@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob@b.example", "BDAT 7"),
        *("SubjectBDAT 8 LAST", ": x", "", "x"),
    ),
    lines("HELO client.example", "NOOP", "VRFY ann", "HELP", "RSET", "EXPN list", "STARTTLS"),
    lines("EHLO x", "AUTH PLAIN AGFubgBzZWNyZXQ=", "AUTH LOGIN", "YW5u", "c2VjcmV0", "AUTH PLAIN", "*"),
    lines("EHLO x", "MAIL FROM:<jörg@bücher.example> SMTPUTF8", 'RCPT TO:<"a b"@b.example>'),
)
ADDRESSES = (
    b"ann@example.com",
    b"Ann Example <ann@example.com>",
    b'"Example, Ann \\"A\\"" <ann.b+c@mail.example.com>',
    "Jörg Müller <jörg@bücher.example>".encode(),
    b"=?utf-8?q?J=C3=B6rg?= <j@xn--bcher-kva.example>",
    b"postmaster@[192.0.2.1], root@[IPv6:2001:db8::1]",
    b"friends: ann@example.com, Bob <bob@example.com>;, undisclosed-recipients:;",
    b"(comment (nested)) ann (here) @ (there) example.com",
    b'"quoted local"@example.com, <@relay.example:ann@example.com>',
)
HEADERS = (
    b"Subject: =?utf-8?b?R3LDvMOfZQ==?= =?iso-8859-1?q?_an_alle?=\r\n",
    b"References: <a@example.com> <b@example.com>\r\n <c@example.com>\r\n",
    b"List-Unsubscribe: <https://example.com/u?x=1>, <mailto:u@example.com?subject=off>\r\n",
    b"Date: Tue, 1 Jul 2003 10:52:37 +0200 (CEST)\r\nMessage-ID: <1@example.com>\r\n",
    b"Content-Type: text/plain; charset*0*=us-ascii'en'x; name*=utf-8''%e2%82%ac; name=\"a\\\"b\"\r\n",
    b'Content-Disposition: attachment; filename*0="long"; filename*1*=%20name; filename*2=.txt\r\n',
)
HTML = (
    b"<html><head><title>x</title><style>p{}</style></head><body><h1>Hello</h1><p>One<br>two <a href='https://e.ex'>l",
    b"<table><tr><th>A<td>B<tr><td colspan=2>&eacute;&#8364;&#x1F600;</table><ul><li>a<li>b<ol start=5><li>c</ol></ul>",
    b"<div style='display:none'>hidden</div><blockquote>q<pre>  a\n b</pre></blockquote><img alt=x src=cid:y><!--c-->",
    b"<!doctype html><script>if (a<b) '</p>'</script><p>a</div></p><svg><![CDATA[x]]></svg><textarea><b></textarea>",
)
MESSAGES = (
    lines(
        *("From: a@example.com", "To: b@example.com", "Subject: x", "MIME-Version: 1.0"),
        *("Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/plain; charset=utf-8"),
        *("Content-Transfer-Encoding: quoted-printable", "", "Gr=C3=BC=C3=9Fe=", "", "--b"),
        *("Content-Type: message/rfc822", "", "From: c@example.com", "To: d@example.com", "", "inner", "--b"),
        *('Content-Type: image/png; name="x.png"', "Content-Transfer-Encoding: base64", "Content-Disposition: inline"),
        *("Content-ID: <x>", "", "iVBORw0KGgo=", "--b--"),
    ),
    b"From: =?utf-8?q?J=C3=B6rg?= <j@example.com>\nTo: g: a@example.com;\nSubject: lf\n\nbody\n",
)


def messages() -> Sequence[bytes]:
    """Public mail where it is at hand: MIME tests, bounces, complaints, signed messages."""
    folder = corpora_folder()
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".eml", ".msg", ".message")]
    return (*MESSAGES, *(path.read_bytes()[:MOST_OCTETS] for path in files))


def headers() -> Sequence[bytes]:
    """The fields of those messages, a header a seed."""
    return (*HEADERS, *(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0][:4_000] for raw in messages()))


def addresses() -> Sequence[bytes]:
    """What stands in their address fields."""
    fields = [line for header in headers() for line in header.splitlines()]
    names = (b"from:", b"to:", b"cc:", b"reply-to:", b"sender:", b"return-path:")
    return (*ADDRESSES, *sorted({line.partition(b":")[2].strip() for line in fields if line.lower().startswith(names)}))


def html() -> Sequence[bytes]:
    """What looks like HTML in them, from its first tag on."""
    found = [raw[at : at + 20_000] for raw in messages() if (at := raw.lower().find(b"<html")) >= 0]
    return (*HTML, *found)


def reports() -> Sequence[bytes]:
    """Reports of receivers about DMARC and TLS, bare and packed, ours and public ones."""
    packed = (
        gzip.compress(REPORT, mtime=0),
        zipped({"report.xml": REPORT}),
        gzip.compress(json.dumps(TLS_REPORT).encode(), mtime=0),
    )
    ours = (REPORT, RFC_9990, json.dumps(TLS_REPORT).encode(), failure_report(), *packed)
    public = [path for path in sorted((corpora_folder() / "reports").rglob("*")) if path.is_file()]
    return (*ours, *(path.read_bytes()[:MOST_OCTETS] for path in public))
