"""Received fields as the servers of the world write them, and the way they tell."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.message.received import Received, read_date
from postroad.message.trace import trace_of

AT = datetime(2026, 11, 23, 9, 0, 4, tzinfo=UTC)
DATE = "; Mon, 23 Nov 2026 09:00:04 +0000"

# Each server's form, in names that are nobody's.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "postfix": (
        """from laptop.example.org (dsl-1.isp.example [192.0.2.1])
        (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
         key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)
        (No client certificate requested)
        (Authenticated sender: bob@example.org)
        by mx.example.com (Postfix) with ESMTPSA id 4F1234ABCD
        for <ann@example.com>; Mon, 23 Nov 2026 10:00:04 +0100 (CET)""",
        {
            "helo": "laptop.example.org", "host": "dsl-1.isp.example", "address": "192.0.2.1", "by": "mx.example.com",
            "protocol": "ESMTPSA", "id": "4F1234ABCD", "recipient": "ann@example.com", "tls": True,
            "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "authenticated": True,
            "user": "bob@example.org",
        },
    ),
    "postfix to itself": (
        f"by mx.example.com (Postfix, from userid 1000)\n\tid 4F1234ABCD{DATE}",
        {"by": "mx.example.com", "id": "4F1234ABCD"},
    ),
    "postfix without a name for the address": (
        f"from there.example (unknown [IPv6:2001:db8::1]) by mx.example.com (Postfix) with ESMTP id 1{DATE}",
        {"helo": "there.example", "address": "2001:db8::1", "by": "mx.example.com", "protocol": "ESMTP", "id": "1",
         "tls": False, "authenticated": False},
    ),
    "gmail": (
        """from mail-1.example.com (mail-1.example.com. [192.0.2.41])
        by mx.google.com with ESMTPS id abc123-20020a05600c.1.2026.11.23
        for <ann@example.com>
        (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256 bits=128/128);
        Mon, 23 Nov 2026 01:00:04 -0800 (PST)""",
        {
            "helo": "mail-1.example.com", "host": "mail-1.example.com", "address": "192.0.2.41", "by": "mx.google.com",
            "protocol": "ESMTPS", "id": "abc123-20020a05600c.1.2026.11.23", "recipient": "ann@example.com",
            "tls": True, "tls_version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "authenticated": False,
        },
    ),
    "exim 4.96": (
        f"""from [192.0.2.7] (helo=box.example.net) by exim.example.com with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384
	(Exim 4.96) (envelope-from <x@example.net>) id 1abc-000Xyz-1A for ann@example.com{DATE}""",
        {
            "helo": "box.example.net", "address": "192.0.2.7", "by": "exim.example.com", "protocol": "esmtps",
            "id": "1abc-000Xyz-1A", "recipient": "ann@example.com", "tls": True, "tls_version": "TLSv1.3",
            "cipher": "TLS_AES_256_GCM_SHA384", "authenticated": False,
        },
    ),
    "exim 4.92": (
        f"""from dsl-1.isp.example ([192.0.2.7] helo=box.example.net) by exim.example.com with esmtpsa
	(TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256) (Exim 4.92) id 1abc{DATE}""",
        {
            "helo": "box.example.net", "host": "dsl-1.isp.example", "address": "192.0.2.7", "by": "exim.example.com",
            "protocol": "esmtpsa", "id": "1abc", "tls": True, "tls_version": "TLSv1.2",
            "cipher": "ECDHE-RSA-AES256-GCM-SHA384", "authenticated": True,
        },
    ),
    "exim on its own machine": (
        f"from bob by exim.example.com with local (Exim 4.96) (envelope-from <x@example.net>) id 1abc{DATE}",
        {"helo": "bob", "by": "exim.example.com", "protocol": "local", "id": "1abc"},
    ),
    "sendmail": (
        f"""from mail.example.net (dsl-1.isp.example [192.0.2.1] (may be forged)) (authenticated bits=0)
	by mx.example.com (8.15.2/8.15.2) with ESMTPSA id 0AN904
	(version=TLSv1.2 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO){DATE}""",
        {
            "helo": "mail.example.net", "host": "dsl-1.isp.example", "address": "192.0.2.1", "by": "mx.example.com",
            "protocol": "ESMTPSA", "id": "0AN904", "tls": True, "tls_version": "TLSv1.2",
            "cipher": "ECDHE-RSA-AES256-GCM-SHA384", "authenticated": True,
        },
    ),
    "exchange": (
        f"""from AM0PR01.prod.example.com (2001:db8:6::1) by VI1PR01.prod.example.com (2001:db8:8::2) with Microsoft
 SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.5723.34
 via Frontend Transport{DATE}""",
        {
            "helo": "AM0PR01.prod.example.com", "address": "2001:db8:6::1", "by": "VI1PR01.prod.example.com",
            "via": "Frontend Transport", "protocol": "Microsoft SMTP Server", "id": "15.20.5723.34", "tls": True,
            "tls_version": "TLSv1.2", "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        },
    ),
    "ses": (
        f"""from a8-1.smtp-out.example.com (a8-1.smtp-out.example.com [192.0.2.8])
 by inbound-smtp.us-east-1.example.com with SMTP id abc123 for ann@example.com{DATE} (UTC)""",
        {
            "helo": "a8-1.smtp-out.example.com", "host": "a8-1.smtp-out.example.com", "address": "192.0.2.8",
            "by": "inbound-smtp.us-east-1.example.com", "protocol": "SMTP", "id": "abc123",
            "recipient": "ann@example.com", "tls": False, "authenticated": False,
        },
    ),
    "qmail": (
        """from unknown (HELO box.example.net) (bob@192.0.2.9)
  by 0 with (AES256-SHA encrypted) SMTP; 23 Nov 2026 09:00:04 -0000""",
        {"helo": "box.example.net", "address": "192.0.2.9", "by": "0", "protocol": "SMTP", "tls": True,
         "cipher": "AES256-SHA", "authenticated": False},
    ),
    "qmail on its own machine": ("(qmail 29409 invoked by uid 1000); 23 Nov 2026 09:00:04 -0000", {}),
    "opensmtpd": (
        f"""from localhost (box.example.net [192.0.2.5]) by mx.example.com (OpenSMTPD) with ESMTPS id 7a2
 (TLSv1.3:TLS_CHACHA20_POLY1305_SHA256:256:NO) for <ann@example.com>{DATE}""",
        {
            "helo": "localhost", "host": "box.example.net", "address": "192.0.2.5", "by": "mx.example.com",
            "protocol": "ESMTPS", "id": "7a2", "recipient": "ann@example.com", "tls": True, "tls_version": "TLSv1.3",
            "cipher": "TLS_CHACHA20_POLY1305_SHA256", "authenticated": False,
        },
    ),
    "dovecot": (
        f"""from mx.example.com ([127.0.0.1])
	by mail.example.com with LMTP id AbC+dEf (envelope-from <x@y.example>) for <ann@example.com>{DATE}""",
        {
            "helo": "mx.example.com", "address": "127.0.0.1", "by": "mail.example.com", "protocol": "LMTP",
            "id": "AbC+dEf", "recipient": "ann@example.com", "tls": False, "authenticated": False,
        },
    ),
    "internationalised": (
        f"from a.example by b.example with UTF8SMTPSA id 1 for <zoë@example.com>{DATE}",
        {"helo": "a.example", "by": "b.example", "protocol": "UTF8SMTPSA", "id": "1", "recipient": "zoë@example.com",
         "tls": True, "authenticated": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_servers_form_is_read(form: str) -> None:
    value, expected = FORMS[form]
    said = {name: value for name, value in asdict(Received.read(value)).items() if value is not None}
    assert said == {"at": AT, **expected}


def test_what_only_looks_like_something_is_not_taken_for_it() -> None:
    read = Received.read(
        "from a (b [300.1.2.3] not authenticated, STLS10) by c with ESMTP (x; y) id 1; Fri, 31 Feb 2026 99:00:00"
    )
    assert (read.address, read.tls, read.authenticated, read.at, read.id) == (None, False, False, None, "1")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (" Mon, 23 Nov 2026 09:00:04 +0000 (UTC)", AT),
        ("23 Nov 26 09:00:04 GMT", AT),
        ("Mon, 23 Nov 2026 09:00:04", AT),
        ("Mon, 13 Aug 1998 l8:14:23 +1000", None),
        ("Mon, 23 Nov 99999999 09:00:04 +0000", None),
        ("", None),
    ],
)
def test_dates_are_read_in_utc(text: str, instant: datetime | None) -> None:
    assert read_date(text) == instant


# ── the way ───────────────────────────────────────────────────────────────────────────────────────────────────────────

WAY = b"""Received: from b.example by c.example with ESMTP id 3; Mon, 23 Nov 2026 09:05:00 +0000
Authentication-Results: c.example; dkim=pass
\theader.d=example.com
Received: by b.example; garbled
Received: from a.example by b.example with ESMTPS id 2; Mon, 23 Nov 2026 10:59:57 +0200
Received: from laptop by a.example with ESMTPSA id 1; Mon, 23 Nov 2026 09:00:00 +0000
Date: Mon, 23 Nov 2026 08:59:59 +0000
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <1@a.example>

Received: from no one at all
"""


@pytest.mark.parametrize("raw", [WAY, WAY.replace(b"\n", b"\r\n"), b"From x Mon Nov 23 2026\n" + WAY])
def test_the_way_is_read_from_the_bottom_and_clocks_may_differ(raw: bytes) -> None:
    trace = trace_of(raw)
    assert [hop.received.id for hop in trace.hops] == ["1", "2", None, "3"]
    assert [hop.delay for hop in trace.hops] == [None, -3.0, None, 303.0]
    assert trace.seconds == 300.0
    assert trace.results == ("c.example; dkim=pass header.d=example.com",)
    assert (trace.message_id, trace.subject) == ("<1@a.example>", "Grüße")
    assert trace.written == datetime(2026, 11, 23, 8, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"no message", b"Received:", b"Received: \n", b"Received: ;\n\n", b"\xff\0"]
)
def test_nothing_to_read_is_no_error(raw: bytes) -> None:
    assert trace_of(raw).seconds is None


_PIECES = st.sampled_from(
    ["from", "by", "with", "id", "for", "via", "tls", "(", ")", ";", "[", "]", "\\", '"', "helo=", "x.example",
     "192.0.2.1", "TLSv1.3", "cipher=", "authenticated", "\n\t", "=?utf-8?q?=0A?=", "Mon, 23 Nov 2026 09:00:04 +9999"]
)  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5), max_size=40).map(" ".join))
def test_whatever_a_field_holds_is_read(value: str) -> None:
    read = Received.read(value)
    texts = [one for one in asdict(read).values() if isinstance(one, str)]
    assert not any("\n" in one or "\r" in one for one in texts)


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_is_read(raw: bytes) -> None:
    trace_of(raw)
    trace_of(b"Received: " + raw)


@pytest.mark.parametrize("folder", ["bounces", "mime", "arf"])
def test_real_messages_are_read(folder: str, corpora: Path) -> None:
    hops = dated = 0
    for path in (corpora / folder).rglob("*"):
        if path.is_file():
            trace = trace_of(path.read_bytes())
            hops += len(trace.hops)
            dated += sum(hop.received.at is not None for hop in trace.hops)
    assert dated >= hops * 0.9
    assert hops or folder == "mime"
