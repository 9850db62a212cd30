"""Makes bad input of good: octets flipped, cut out, doubled, moved, spliced with another seed's, or with what hurts."""

import random  # noqa: TID251 - seeded, so that what was found is found again
from collections.abc import Callable, Sequence

# What parsers of mail stumble over: ends, delimiters, quotes, encoded words, very long and very deep things.
HURTFUL = (
    *(b"", b"\n", b"\r", b"\r\n", b"\r\n\r\n", b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x85"),
    *(
        b" ",
        b"\t",
        b"\r\n ",
        b"=",
        b"==",
        b"--",
        b'"',
        b"\\",
        b"(",
        b")",
        b"<",
        b">",
        b"@",
        b":",
        b";",
        b",",
        b"&",
        b"%",
    ),
    *(
        b"=?utf-8?q?",
        b"=?utf-8?b?",
        b"?=",
        b"=?x-unknown?q?=ff?=",
        b"=0A",
        b"*0*=",
        b"*=utf-8''%00",
        b"boundary=",
        b"&#0;",
    ),
    *(
        b".\r\n",
        b"\r\n.\r\n",
        b"\n.\n",
        b"250 ",
        b"250-",
        b"999 ",
        b"421 4.3.2 bye\r\n",
        b"BDAT 99999999999999999999\r\n",
    ),
    *(b"RCPT TO:<", b"DATA\r\n", b"xn--", b"[IPv6:", b"a" * 1_000, b"(" * 200, b"<div>" * 60, b"<!--", b"9" * 40),
    *(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 8, b"Bcc: eve@evil.example\r\n"),
)
MOST_CHANGES = 8
MOST_OCTETS = 200_000  # of one input: what is found in more is found in less


class Mutator:
    """The same seed gives the same inputs."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)
        self._ways: tuple[Callable[[bytes, Sequence[bytes]], bytes], ...] = (
            self._flip,
            self._cut,
            self._double,
            self._move,
            self._splice,
            self._hurt,
            self._hurt,
        )

    def mutated(self, seeds: Sequence[bytes]) -> bytes:
        """One of the seeds, changed one to a few times."""
        data = self._random.choice(seeds)
        for _ in range(self._random.randint(1, MOST_CHANGES)):
            data = self._random.choice(self._ways)(data, seeds)[:MOST_OCTETS]
        return data

    def _span(self, data: bytes, most: int = 1 << 30) -> tuple[int, int]:
        start = self._random.randint(0, len(data))
        # Short spans are as likely as long ones.
        length = int(min(len(data) - start, most) ** self._random.random())
        return start, start + length

    def _flip(self, data: bytes, _: Sequence[bytes]) -> bytes:
        changed = bytearray(data or b"\0")
        changed[self._random.randrange(len(changed))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def _cut(self, data: bytes, _: Sequence[bytes]) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _double(self, data: bytes, _: Sequence[bytes]) -> bytes:
        start, end = self._span(data, 4_000)
        return data[:start] + data[start:end] * self._random.randint(2, 10) + data[end:]

    def _move(self, data: bytes, _: Sequence[bytes]) -> bytes:
        start, end = self._span(data, 4_000)
        rest = data[:start] + data[end:]
        place = self._random.randint(0, len(rest))
        return rest[:place] + data[start:end] + rest[place:]

    def _splice(self, data: bytes, seeds: Sequence[bytes]) -> bytes:
        other = self._random.choice(seeds)
        return data[: self._random.randint(0, len(data))] + other[self._random.randint(0, len(other)) :]

    def _hurt(self, data: bytes, _: Sequence[bytes]) -> bytes:
        start, end = self._span(data, 20)
        return data[:start] + self._random.choice(HURTFUL) + data[end:]


def reduced(data: bytes, still_fails: Callable[[bytes], bool], *, tries: int = 600) -> bytes:
    """A shorter input that fails too: pieces are left out, large ones first."""
    piece = max(1, len(data) // 2)
    while tries > 0:
        start, shrunk = 0, False
        while start < len(data) and tries > 0:
            tries -= 1
            without = data[:start] + data[start + piece :]
            if still_fails(without):
                data, shrunk = without, True
            else:
                start += piece
        if piece == 1 and not shrunk:
            break
        piece = max(1, piece // 2)
    return data
