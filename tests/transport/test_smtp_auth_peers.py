"""Logging in at servers that share no code with ours: Postfix with Dovecot's authentication, aiosmtpd."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from postroad.errors import AuthenticationError, PostroadError
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.peers.certificates import Certificates
from tests.peers.dovecot import Dovecot, DovecotSettings, access_token
from tests.peers.fixtures import RequiresProgram, RunSwaks, StartDovecot, StartPostfix
from tests.peers.postfix import Postfix, PostfixSettings
from tests.peers.waiting import wait_until
from tests.transport.road import deliver_one, run

pytestmark = pytest.mark.system

USERS = {"ann": "pa55 wörd", "bob": "wo\u0308rd"}
HOUR = 3600


@pytest.fixture(scope="module")
def dovecot(requires_server: RequiresProgram) -> Iterator[Dovecot]:
    """One for all: it takes a second to stop."""
    requires_server("dovecot")
    with Dovecot(DovecotSettings(users=USERS)) as running:
        yield running


@pytest.fixture
def postfix(start_postfix: StartPostfix, certificates: Certificates, dovecot: Dovecot) -> Postfix:
    """With TLS; it asks the Dovecot."""
    return start_postfix(PostfixSettings(certificate=certificates.good, auth=dovecot.auth))


def account(postfix: Postfix, certificates: Certificates, **settings: Any) -> Smtp:
    return Smtp(*postfix.smtp, ca=str(certificates.ca), **{"username": "ann", **settings})


def token(lasts: int = HOUR, key: bytes | None = None) -> str:
    expires_at = int(time.time()) + lasts  # noqa: TID251 - the peer has a clock of its own
    return access_token("ann", expires_at) if key is None else access_token("ann", expires_at, key)


def used(settings: Smtp) -> str:
    """The mechanism by which ``check`` logged in."""
    report = run(settings, SmtpTransport.check)
    return report.seen[-1].rpartition(" by ")[2]


def refusal(settings: Smtp) -> PostroadError:
    error = deliver_one(settings, letter()).error
    assert type(error) is AuthenticationError
    assert error.code == 535
    return error


def wait_until_logged(postfix: Postfix, words: str) -> None:
    """Postfix answers first, and writes its log in another process."""
    wait_until(lambda: words in postfix.log() or None, f"{words} in the log")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN", "LOGIN", "CRAM-MD5"])
def test_each_mechanism_with_a_password(postfix: Postfix, certificates: Certificates, mechanism: str) -> None:
    ann = account(postfix, certificates, password=USERS["ann"], mechanisms=mechanism)
    assert used(ann) == mechanism
    assert deliver_one(ann, letter()).accepted
    wait_until_logged(postfix, f"sasl_method={mechanism}, sasl_username=ann")
    error = refusal(account(postfix, certificates, password="wrong", mechanisms=mechanism))
    assert f"of 'ann' ({mechanism})" in str(error)


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_each_mechanism_with_a_token(postfix: Postfix, certificates: Certificates, mechanism: str) -> None:
    ann = account(postfix, certificates, token=token, mechanisms=mechanism)
    assert used(ann) == mechanism
    assert deliver_one(ann, letter()).accepted
    wait_until_logged(postfix, f"sasl_method={mechanism}, sasl_username=ann")
    for bad in (token(-HOUR), token(key=b"another issuer")):
        error = refusal(account(postfix, certificates, token=bad, mechanisms=mechanism))
        assert "invalid_token" in str(error) or '"status":"401"' in str(error)
        assert "token" in error.advice


def test_the_best_first(
    postfix: Postfix, certificates: Certificates, start_dovecot: StartDovecot, start_postfix: StartPostfix
) -> None:
    assert used(account(postfix, certificates, password=USERS["ann"])) == "SCRAM-SHA-256"
    assert used(account(postfix, certificates, token=token())) == "OAUTHBEARER"
    assert used(account(postfix, certificates, password=token(), mechanisms="xoauth2")) == "XOAUTH2"
    dovecot = start_dovecot(DovecotSettings(users=USERS, mechanisms=("LOGIN", "PLAIN", "CRAM-MD5")))
    old = start_postfix(PostfixSettings(certificate=certificates.good, auth=dovecot.auth))
    assert used(account(old, certificates, password=USERS["ann"])) == "PLAIN"


def test_a_token_that_ran_out_is_fetched_anew(postfix: Postfix, certificates: Certificates) -> None:
    tokens = iter([token(-HOUR), token()])
    assert deliver_one(account(postfix, certificates, token=lambda: next(tokens)), letter()).accepted


def test_a_password_in_another_normal_form(postfix: Postfix, certificates: Certificates) -> None:
    """Dovecot keeps what it was given and knows no SASLprep: PLAIN sends what was typed, and so is the safe way."""
    bob = account(postfix, certificates, username="bob", password=USERS["bob"], mechanisms="plain")
    assert deliver_one(bob, letter()).accepted


def test_a_foreign_client_finds_the_same_server(postfix: Postfix, certificates: Certificates, swaks: RunSwaks) -> None:
    login = ["--tls", "--auth", "CRAM-MD5", "--auth-user", "ann", "--auth-password", USERS["ann"]]
    assert swaks(postfix.smtp, "--to", "bob@b.example", *login).exit_code == 0
