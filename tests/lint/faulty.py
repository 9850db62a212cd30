"""Letters with one fault each: its rule, its level, and the letter."""

from tests.lint.clean import MARKETING, TRANSACTIONAL

MIME = b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b"
QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n"
HTML_HEAD = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
DKIM = b"DKIM-Signature: v=1; d=acme.example; s=s1; a=rsa-sha256;\r\n h=%b; bh=AA==; b=AA==\r\n"


def replaced(old: bytes, new: bytes, message: bytes = TRANSACTIONAL) -> bytes:
    assert old in message, old
    return message.replace(old, new, 1)


def without(name: bytes, message: bytes = TRANSACTIONAL) -> bytes:
    start = message.index(b"\r\n" + name + b":") + 2 if not message.startswith(name + b":") else 0
    end = message.index(b"\r\n", start) + 2
    while message[end : end + 1] == b" ":
        end = message.index(b"\r\n", end) + 2
    return message[:start] + message[end:]


LONG_HTML = b"<p>" + b"word =\r\n" * 21_000 + b"</p>"
FAULTY: dict[str, tuple[str, str, bytes]] = {
    "no From": ("MSG-01", "fail", without(b"From")),
    "From that cannot be read": ("MSG-01", "fail", replaced(b"<orders@acme.example>", b"<orders>")),
    "two authors and no Sender": (
        "MSG-01",
        "fail",
        replaced(b"<orders@acme.example>", b"<orders@acme.example>, b@acme.example"),
    ),
    "two authors": (
        "MSG-01",
        "warn",
        replaced(b"<orders@acme.example>", b"<o@acme.example>, b@acme.example\r\nSender: o@acme.example"),
    ),
    "no Date": ("MSG-01", "fail", without(b"Date")),
    "no date in Date": ("MSG-01", "fail", replaced(b"Mon, 23 Nov 2026 09:00:04 +0000", b"yesterday")),
    "a Date without a zone": ("MSG-01", "warn", replaced(b"09:00:04 +0000", b"09:00:04")),
    "no Message-ID": ("MSG-01", "fail", without(b"Message-ID")),
    "Message-ID without a domain": ("MSG-01", "fail", replaced(b"<1.2.3@acme.example>", b"<123>")),
    "Message-ID of nowhere": ("MSG-01", "warn", replaced(b"<1.2.3@acme.example>", b"<1.2.3@web-1.local>")),
    "two Subjects": ("MSG-02", "fail", replaced(b"Subject:", b"Subject: x\r\nsubject:")),
    "two From fields": ("MSG-02", "fail", replaced(b"To:", b"From: eve@acme.example\r\nTo:")),
    "a lone LF": ("MSG-02", "fail", replaced(b"Thank you. Look", b"Thank\nyou. Look")),
    "a lone CR": ("MSG-02", "fail", replaced(b"Thank you. Look", b"Thank\ryou. Look")),
    "a NUL": ("MSG-02", "fail", replaced(b"Thank you. Look", b"Thank\0you. Look")),
    "a line of 999": ("MSG-02", "fail", replaced(b"Thank you. Look", b"x" * 999 + b"\r\nLook")),
    "a line of 79": ("MSG-02", "warn", replaced(b"Thank you. Look", b"x" * 79 + b"\r\nLook")),
    "a header of 200 kB": ("MSG-02", "fail", replaced(b"To:", b"X-A: " + b"x\r\n " * 50_000 + b"x\r\nTo:")),
    "a line that is no field": ("MSG-02", "fail", replaced(MIME, b"this is no field\r\n")),
    "8-bit octets in the header": ("MSG-03", "fail", replaced(b"confirmed", b"confirm\xe9")),
    "UTF-8 in the header": ("MSG-03", "warn", replaced(b"confirmed", "confirmé".encode())),
    "a long encoded word": ("MSG-03", "warn", replaced(b"confirmed", b"\r\n =?utf-8?q?" + b"a" * 64 + b"?=")),
    "an encoded word of nothing": ("MSG-03", "warn", replaced(b"confirmed", b"=?utf-8?b?x?=")),
    "a link to an IPv6 address": ("MSG-09", "warn", replaced(b"you. Look", b"you.\r\nhttp://[2001:db8::1]/a\r\nLook")),
    "an encoded word that is no base64": ("MSG-03", "warn", replaced(b"confirmed", b"=?utf-8?b?#?=")),
    "an encoded word in no known charset": ("MSG-03", "warn", replaced(b"confirmed", b"=?klingon?q?x?=")),
    "8-bit octets in a part of 7bit": ("MSG-03", "fail", replaced(QUOTED + b"\r\nThank", b"\r\nTh\xc3\xa4nk")),
    "a part in no known charset": (
        "MSG-03",
        "fail",
        replaced(b"text/plain; charset=utf-8", b"text/plain; charset=klingon"),
    ),
    "a part in a codec that is for no mail": (
        "MSG-03",
        "fail",
        replaced(b"text/plain; charset=utf-8", b"text/plain; charset=unicode_escape"),
    ),
    "a part that is not in its charset": (
        "MSG-03",
        "fail",
        replaced(b"text/plain; charset=utf-8", b"text/plain; charset=us-ascii"),
    ),
    "no List-Unsubscribe": ("MSG-04", "fail", without(b"List-Unsubscribe", MARKETING)),
    "no List-Unsubscribe-Post": ("MSG-04", "fail", without(b"List-Unsubscribe-Post", MARKETING)),
    "another List-Unsubscribe-Post": ("MSG-04", "fail", replaced(b"=One-Click", b"=Two-Clicks", MARKETING)),
    "only mailto": (
        "MSG-04",
        "fail",
        replaced(b"<https://acme.example/u/4f2a>,", b"<mailto:x@acme.example>,", MARKETING),
    ),
    "http only": (
        "MSG-04",
        "fail",
        replaced(b"<https://acme.example/u/4f2a>,", b"<http://acme.example/u/4f2a>,", MARKETING),
    ),
    "two https URIs": (
        "MSG-04",
        "fail",
        replaced(b"<mailto:leave-4f2a@acme.example>", b"<https://acme.example/u/2>", MARKETING),
    ),
    "an address in place of a token": (
        "MSG-04",
        "warn",
        replaced(b"<https://acme.example/u/4f2a>", b"<https://acme.example/u?a=ann%40example.com>", MARKETING),
    ),
    "signed without them": ("MSG-04", "fail", DKIM % b"from:list-unsubscribe" + MARKETING),
    "no link in the HTML": (
        "MSG-05",
        "warn",
        replaced(b'<a href=3D"https://acme.example/u/4f2a">Unsubscribe</a>', b"", MARKETING),
    ),
    "no link in the text": (
        "MSG-05",
        "warn",
        replaced(b"Unsubscribe:\r\nhttps://acme.example/u/4f2a", b"Hello", MARKETING),
    ),
    "no List-Id": ("MSG-06", "info", without(b"List-Id", MARKETING)),
    "no Feedback-ID": ("MSG-06", "info", without(b"Feedback-ID", MARKETING)),
    "a program without Auto-Submitted": ("MSG-06", "info", replaced(b"orders@", b"no-reply@")),
    "a return path without a token": ("MSG-07", "info", b"Return-Path: <bounces@acme.example>\r\n" + TRANSACTIONAL),
    "no return path": ("MSG-07", "info", b"Return-Path: <>\r\n" + TRANSACTIONAL),
    "a return path that is none": ("MSG-07", "warn", b"Return-Path: nobody\r\n" + TRANSACTIONAL),
    "Gmail's domain": ("MSG-08", "fail", replaced(b"orders@acme.example", b"acme.shop@gmail.com")),
    "Yahoo's in Japan": ("MSG-08", "fail", replaced(b"orders@acme.example", b"acme.shop@yahoo.co.jp")),
    "no text": (
        "MSG-09",
        "warn",
        replaced(b"Content-Type: text/plain; charset=utf-8", b"Content-Type: application/x-y"),
    ),
    "HTML that is clipped": ("MSG-09", "warn", replaced(HTML_HEAD, HTML_HEAD + LONG_HTML)),
    "an image without alt": ("MSG-09", "warn", replaced(b' alt=3D"Acme"', b"")),
    "a shortener": ("MSG-09", "warn", replaced(b"https://acme.example/orders/12345 ", b"https://bit.ly/2 ")),
    "a link to an address": (
        "MSG-09",
        "warn",
        replaced(b'"https://acme.example/orders/12345"', b'"https://192.0.2.1/"'),
    ),
    "a link to a number": (
        "MSG-09",
        "warn",
        replaced(b'"https://acme.example/orders/12345"', b'"https://3221225985/"'),
    ),
    "a link that shows another": ("MSG-09", "warn", replaced(b">Look at it<", b">https://bank.example/<")),
    "another address in the name": ("MSG-10", "warn", replaced(b"Acme Shop", b'"ceo@bank.example"')),
    "an answer to nothing": ("MSG-10", "warn", replaced(b"Subject: ", b"Subject: Re: ")),
    "a forward of nothing": ("MSG-10", "warn", replaced(b"Subject: ", b"Subject: FWD: ")),
    "a video": ("MSG-11", "warn", replaced(b"<p>Thank", b"<video src=3D'v.mp4'></video><p>Thank")),
    "an image within the HTML": ("MSG-11", "warn", replaced(b'"cid:logo"', b'"data:image/png;base64,iVBORw0KGgo=3D"')),
    "what should be hidden": ("MSG-11", "warn", replaced(b"<p>Thank", b"<p hidden>x</p><p>Thank")),
    "a flexible box": ("MSG-11", "info", replaced(b"<p>Thank", b"<p style=3D'display:flex'>Thank")),
    "dark mode": (
        "MSG-11",
        "info",
        replaced(b"<p>Thank", b"<style>@media (prefers-color-scheme: dark) {}</style>=\r\n<p>Thank"),
    ),
    "turned characters": ("MSG-10", "warn", replaced(b"Acme Shop", b"=?utf-8?b?4oCuQWNtZQ==?=")),
}
