"""A DKIM signature with RSA-2048, of a whole message: canonical forms, hashes, the field; on one core."""

from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from time import perf_counter

from benchmarks.contest import Contest, Effort, Figure, Peer, Row, absent, peer
from benchmarks.isolation import isolated
from benchmarks.letter import rendered
from postroad.mailauth.dkim.keys import generate, read_key
from postroad.mailauth.dkim.sign import Signer, sign
from postroad.mailauth.header_section import read_lines

DOMAIN, SELECTOR = "shop.example", "s2026"
OCTETS = 1_500  # of a header in its canonical form, which is what RSA signs


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    count = effort.pick(full=1000, quick=100)
    pem = generate().pem()
    return Contest(
        work=count,
        turns=effort.pick(full=9, quick=3),
        ours=isolated(sign_ours, pem, count),
        peers=[_dkimpy(pem, count), peer("the RSA operation alone", 0.8, isolated(sign_bare, pem, count))],
    )


def _dkimpy(pem: bytes, count: int) -> Peer:
    if find_spec("dkim") is None:
        return absent("dkimpy", 20, "dkimpy is not installed")
    return peer("dkimpy", 20, isolated(sign_by_dkimpy, pem, count))


def sign_ours(pem: bytes, count: int) -> float:
    signer, content = Signer(DOMAIN, SELECTOR, read_key(pem)), rendered()
    return _timed(lambda: sign(read_lines(content), [signer], at=1.7e9), count)


def sign_bare(pem: bytes, count: int) -> float:
    key, octets = read_key(pem), b"x" * OCTETS
    return _timed(lambda: key.sign(octets), count)


def sign_by_dkimpy(pem: bytes, count: int) -> float:
    import dkim  # a peer that may not be installed

    content = rendered()
    tenth = max(1, count // 10)  # it is slow enough to be timed by less
    seconds = _timed(lambda: dkim.sign(content, SELECTOR.encode(), DOMAIN.encode(), pem), tenth)
    return seconds * count / tenth


def _timed(make: Callable[[], bytes], count: int) -> float:
    make()  # imports and compiles what only the first needs
    started = perf_counter()
    for _ in range(count):
        make()
    return perf_counter() - started


ROW = Row("dkim", "DKIM rsa-2048, a whole message of 9 KB, one core", Figure.RATE, prepare)
