"""A letter to many, and one to one person, in which nothing is wrong."""

TRANSACTIONAL = b"""\
From: Acme Shop <orders@acme.example>
To: Ann Example <ann@example.com>
Subject: Order 12345 confirmed
Date: Mon, 23 Nov 2026 09:00:04 +0000
Message-ID: <1.2.3@acme.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Thank you. Look at it: https://acme.example/orders/12345 =E2=9C=93
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Thank you. =E2=9C=93
<a href=3D"https://acme.example/orders/12345">Look at it</a>
<img src=3D"cid:logo" alt=3D"Acme"></p>
--b--
""".replace(b"\n", b"\r\n")

MARKETING = (
    TRANSACTIONAL.replace(
        b"Subject: Order 12345 confirmed\r\n",
        b"Subject: News\r\nList-Id: <news.acme.example>\r\nFeedback-ID: c:1:news:acme\r\n"
        b"List-Unsubscribe: <https://acme.example/u/4f2a>,\r\n <mailto:leave-4f2a@acme.example>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    )
    .replace(b"Look at it: https", b"Unsubscribe:\r\nhttps://acme.example/u/4f2a https")
    .replace(b"<img", b'<a href=3D"https://acme.example/u/4f2a">Unsubscribe</a>\r\n<img')
)
