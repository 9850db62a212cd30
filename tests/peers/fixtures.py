"""The peers as pytest fixtures. Everything that a test starts is stopped when that test ends."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.peers.aiosmtpd_server import AiosmtpdServer, AiosmtpdSettings
from tests.peers.certificates import Certificates, write_certificates
from tests.peers.dovecot import Dovecot, DovecotSettings
from tests.peers.exim import PROGRAM, Exim, EximSettings
from tests.peers.postfix import Postfix, PostfixSettings
from tests.peers.sink import SmtpSink
from tests.peers.swaks import SwaksRun, run_swaks

RequiresProgram = Callable[[str], str]  # the fixture of tests/conftest.py
StartPostfix = Callable[[PostfixSettings], Postfix]
StartAiosmtpd = Callable[[AiosmtpdSettings], AiosmtpdServer]
StartDovecot = Callable[[DovecotSettings], Dovecot]
StartExim = Callable[[EximSettings], Exim]
StartSink = Callable[..., SmtpSink]
RunSwaks = Callable[..., SwaksRun]

USERS = {"ann": "pa55 wörd", "bob": "secret"}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start_postfix(requires_server: RequiresProgram) -> Iterator[StartPostfix]:
    """Start a private Postfix with these settings; takes about 50 ms."""
    requires_server("postfix")
    with ExitStack() as running:
        yield lambda settings: running.enter_context(Postfix(settings))


@pytest.fixture
def postfix(start_postfix: StartPostfix, certificates: Certificates) -> Postfix:
    """A Postfix with STARTTLS, implicit TLS, and AUTH for ``USERS``."""
    return start_postfix(PostfixSettings(certificate=certificates.good, users=USERS))


@pytest.fixture
def start_aiosmtpd() -> Iterator[StartAiosmtpd]:
    with ExitStack() as running:
        yield lambda settings: running.enter_context(AiosmtpdServer(settings))


@pytest.fixture
def aiosmtpd_server(start_aiosmtpd: StartAiosmtpd, certificates: Certificates) -> AiosmtpdServer:
    """An aiosmtpd with STARTTLS, implicit TLS, and AUTH for ``USERS``."""
    return start_aiosmtpd(AiosmtpdSettings(certificate=certificates.good, users=USERS))


@pytest.fixture
def start_dovecot(requires_server: RequiresProgram) -> Iterator[StartDovecot]:
    """Start a private Dovecot with these settings."""
    requires_server("dovecot")
    with ExitStack() as running:
        yield lambda settings: running.enter_context(Dovecot(settings))


@pytest.fixture
def start_exim() -> Iterator[StartExim]:
    """Start a private Exim with these settings; takes about 50 ms."""
    if not PROGRAM.exists():
        pytest.skip("Exim is not unpacked: tests/peers/unpack_exim does it")
    if os.geteuid() != 0:  # as with the other servers; it is no program of the system, so it is looked for above
        pytest.skip("exim runs as root only")
    with ExitStack() as running:
        yield lambda settings: running.enter_context(Exim(settings))


@pytest.fixture
def exim(start_exim: StartExim, certificates: Certificates) -> Exim:
    """An Exim with STARTTLS, implicit TLS, and AUTH for ``USERS``."""
    return start_exim(EximSettings(certificate=certificates.good, users=USERS))


@pytest.fixture
def start_sink(requires_program: RequiresProgram) -> Iterator[StartSink]:
    """Start an smtp-sink with these options of its own."""
    requires_program("smtp-sink")
    with ExitStack() as running:
        yield lambda *arguments, **options: running.enter_context(SmtpSink(*arguments, **options))


@pytest.fixture
def smtp_sink(start_sink: StartSink) -> SmtpSink:
    return start_sink()


@pytest.fixture
def swaks(requires_program: RequiresProgram) -> RunSwaks:
    """``run_swaks``, where swaks is installed."""
    requires_program("swaks")
    return run_swaks
