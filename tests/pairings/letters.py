"""Contents that travel in the pairings."""

HEADER = b"From: ann@a.example\r\nTo: bob@b.example\r\nSubject: hello\r\nMessage-ID: <1@a.example>\r\n\r\n"
LETTER = HEADER + b".a dot\r\n..two\r\n.\r\n\r\nend\r\n"
EIGHT_BIT = HEADER + "Grüße, und 8 Bits\r\n".encode() + b"\xe4\xf6\xfc, no UTF-8\r\n"
UTF_8 = (
    HEADER.replace(b"Message-ID", b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nMessage-ID")
    + "Grüße von Zoë\r\n.\r\n".encode()
)
UTF_8_HEADER = LETTER.replace(b"hello", "Grüße".encode())
SPAM = LETTER.replace(b"hello", b"spam")
LARGE = HEADER + b"".join(b".%d" % number + b" x" * 35 + b"\r\n" for number in range(14_000))
