"""What is signed here, dkimpy and OpenDKIM verify, also after a trip through Postfix; what dkimpy signs passes here."""

import asyncio
from functools import cache
from pathlib import Path

import dkim
import pytest

from postroad import Dkim, MessageError, Outbox, RawMessage, Unaligned
from postroad.mailauth.dkim.canonical import Canon
from postroad.mailauth.dkim.keys import KeyKind, SigningKey, generate
from postroad.mailauth.dkim.record import record_text
from postroad.mailauth.dkim.sign import Signer, sign
from postroad.mailauth.dkim.verify import verify
from postroad.mailauth.header_section import read, with_crlf
from tests.conftest import RequiresProgram
from tests.mailauth.dkim.examples import ED25519_RECORD, ED25519_SEED, MESSAGE, RSA_PEM, RSA_RECORD, Records
from tests.peers import opendkim
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import PostfixSettings

DOMAIN = "signer.example"
CANONS = ("relaxed/relaxed", "simple/simple")
CHOICES = (("rsa",), ("ed25519",), ("ed25519", "rsa"))
# Postfix cleans headers of mail that is submitted on its own machine only; nothing is to be cleaned here.
AS_IT_IS = PostfixSettings(parameters={"local_header_rewrite_clients": ""}, message_size_limit=100_000_000)


@cache
def keys() -> dict[str, SigningKey]:
    return {"rsa": generate(), "ed25519": generate(KeyKind.ED25519)}


@cache
def records() -> dict[str, bytes]:
    return {f"{name}._domainkey.{DOMAIN}": record_text(key).encode() for name, key in keys().items()}


def asked(name: bytes, timeout: float = 0) -> bytes | None:
    """dkimpy's question to the DNS."""
    return records().get(name.decode().rstrip("."))


@pytest.fixture(scope="session")
def messages(corpora: Path) -> dict[str, bytes]:
    """Every public MIME message with one From, as it goes over the wire."""
    found = {}
    for file in sorted((corpora / "mime").rglob("*.eml")):
        try:
            content = RawMessage(file.read_bytes(), envelope_from=None, recipients="bob@b.example").content
        except MessageError:  # a bare CR, which no server takes
            content = with_crlf(file.read_bytes())
        if len(read(content).named(b"from")) == 1:
            found[f"{file.parent.name}-{file.stem}"] = bytes(content)
    assert len(found) > 40
    return found


def signed(content: bytes, canon: str, choice: tuple[str, ...]) -> bytes:
    signers = [Signer(DOMAIN, name, keys()[name], Canon.read(canon)) for name in choice]
    return sign(read(content), signers, at=1_700_000_000) + content


@pytest.mark.parametrize("choice", CHOICES, ids="+".join)
@pytest.mark.parametrize("canon", CANONS)
def test_dkimpy_and_we_pass_what_is_signed(messages: dict[str, bytes], canon: str, choice: tuple[str, ...]) -> None:
    refused = []
    for name, content in messages.items():
        whole = signed(content, canon, choice)
        ours = asyncio.run(verify(whole, Records(dict(records())), at=1.7e9))
        theirs = [dkim.DKIM(whole).verify(place, dnsfunc=asked) for place in range(len(choice))]
        if not all(one.passed for one in ours) or not all(theirs) or len(ours) != len(choice):
            refused.append((name, ours, theirs))
    assert refused == []


@pytest.mark.system
@pytest.mark.parametrize("choice", CHOICES, ids="+".join)
@pytest.mark.parametrize("canon", CANONS)
def test_opendkim_passes_what_is_signed(
    messages: dict[str, bytes],
    canon: str,
    choice: tuple[str, ...],
    tmp_path: Path,
    requires_program: RequiresProgram,
) -> None:
    requires_program("opendkim")
    looked_at = {name: content for name, content in messages.items() if opendkim.can_read(content, canon)}
    files = written(tmp_path, {name: signed(content, canon, choice) for name, content in looked_at.items()})
    assert len(files) > 40
    assert {file.name for file in files} - opendkim.passed(files, records(), tmp_path) == set()


@pytest.mark.system
def test_opendkim_refuses_what_was_changed(tmp_path: Path, requires_program: RequiresProgram) -> None:
    # So that passing says something.
    requires_program("opendkim")
    whole = signed(MESSAGE, "relaxed/relaxed", ("rsa",))
    files = written(tmp_path, {"good": whole, "bad": whole.replace(b"hungry", b"Hungry")})
    assert opendkim.passed(files, records(), tmp_path) == {"good"}


def written(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    mail = folder / "mail"
    mail.mkdir()
    for name, content in contents.items():
        (mail / name).write_bytes(content)
    return sorted(mail.iterdir())


@pytest.mark.system
@pytest.mark.parametrize("canon", CANONS)
def test_signatures_survive_postfix(
    messages: dict[str, bytes],
    canon: str,
    start_postfix: StartPostfix,
    tmp_path: Path,
    requires_program: RequiresProgram,
) -> None:
    requires_program("opendkim")
    postfix = start_postfix(AS_IT_IS)
    with Outbox(f"sqlite:///{tmp_path}/outbox.db") as outbox:
        for name, content in messages.items():
            if b"\r" not in content.replace(b"\r\n", b""):
                outbox.send(RawMessage(content, envelope_from="a@signer.example", recipients=f"{name}@example.com"))
        count = outbox.stats().states["ready"]
        ours = [Dkim(DOMAIN, name, key, canon=canon, unaligned=Unaligned.SIGN) for name, key in keys().items()]
        with outbox.worker(f"smtp://{postfix.smtp}", dkim=ours):
            delivered = {one.recipient: one.content for one in postfix.deliveries(count)}
    changed = [name for name, content in delivered.items() if not passes_twice(content)]
    assert changed == []
    files = written(
        tmp_path, {name: content for name, content in delivered.items() if opendkim.can_read(content, canon)}
    )
    assert {file.name for file in files} - opendkim.passed(files, records(), tmp_path) == set()


def passes_twice(content: bytes) -> bool:
    verdicts = asyncio.run(verify(content, Records(dict(records())), at=1.7e9))
    return [one.passed for one in verdicts] == [True, True] and dkim.DKIM(content).verify(0, dnsfunc=asked)


# ── the other way ─────────────────────────────────────────────────────────────────────────────────────────────────


def signed_by_dkimpy(content: bytes, canon: tuple[bytes, bytes], name: str) -> bytes:
    if name == "rsa":  # a short one: dkimpy computes it in Python
        options = {"privkey": RSA_PEM.encode(), "signature_algorithm": b"rsa-sha256"}
        selector = b"short"
    else:
        options = {"privkey": ED25519_SEED.encode(), "signature_algorithm": b"ed25519-sha256"}
        selector = b"seed"
    field = dkim.DKIM(content, signature_algorithm=options["signature_algorithm"]).sign(
        selector, DOMAIN.encode(), options["privkey"], canonicalize=canon, length=name == "rsa"
    )
    assert isinstance(field, bytes)
    return field + content


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
@pytest.mark.parametrize("canon", [(b"relaxed", b"relaxed"), (b"simple", b"simple"), (b"relaxed", b"simple")])
def test_we_pass_what_dkimpy_signs(messages: dict[str, bytes], canon: tuple[bytes, bytes], name: str) -> None:
    known = Records({f"short._domainkey.{DOMAIN}": RSA_RECORD, f"seed._domainkey.{DOMAIN}": ED25519_RECORD})
    refused = []
    for file, content in messages.items():
        verdicts = asyncio.run(verify(signed_by_dkimpy(content, canon, name), known, at=2e9))
        if [one.passed for one in verdicts] != [True]:
            refused.append((file, verdicts))
    assert refused == []
