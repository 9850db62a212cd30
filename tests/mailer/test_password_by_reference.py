"""A password that is kept elsewhere: found before connecting, and found anew when it was changed."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from postroad import AsyncMailer, AuthenticationError, ConfigurationError, Email, Mailer, PoolLimits, Secret, Smtp
from postroad.errors import PostroadError, SecretUnavailable
from postroad.testing import ScriptedServer, Step
from tests.peers.aiosmtpd_server import AiosmtpdServer, AiosmtpdSettings
from tests.peers.certificates import Certificates
from tests.peers.fixtures import StartAiosmtpd
from tests.peers.vault_server import VaultServer
from tests.showing import shows_nothing

TOKEN = "hvs.CAESIJ"
LETTER = Email(from_="ann@a.example", to="bob@b.example", subject="hello", text="Hello, Bob.")


class Users(dict[str, str]):
    """Passwords that may change while the server runs; ``asked`` counts the log-ins."""

    asked = 0

    def get(self, user: str, default: str | None = None) -> str | None:  # type: ignore[override] # all that is used
        self.asked += 1
        return super().get(user, default)


@dataclass
class Rotation:
    """A mail server and a vault, and the same password in both."""

    server: AiosmtpdServer
    users: Users
    vault: VaultServer
    account: Smtp

    def change(self, password: str) -> None:
        self.users["ann"] = password
        self.vault.secrets["secret/smtp"] = {"password": password}

    @property
    def asked(self) -> int:
        """How often the vault was asked for the password itself."""
        return self.vault.paths.count("secret/data/smtp")


@pytest.fixture
def rotation(
    start_aiosmtpd: StartAiosmtpd,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rotation]:
    users = Users(ann="first")
    server = start_aiosmtpd(AiosmtpdSettings(certificate=certificates.good, users=users))
    with VaultServer(TOKEN, {"secret/smtp": {"password": "first"}}) as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        # Each test's own max_age: the process keeps what it has read, by reference.
        age = 10_000 + len(_ages)
        _ages.append(age)
        account = Smtp(
            *server.smtp,
            username="ann",
            password=Secret.ref("vault:secret/smtp#password", max_age=age),
            ca=str(certificates.ca),
            limits=PoolLimits(connections=1, messages=1),  # each message on a connection of its own
        )
        yield Rotation(server, users, vault, account)


_ages: list[int] = []


def test_a_changed_password_needs_no_restart(rotation: Rotation) -> None:
    with Mailer(rotation.account) as mailer:
        assert not rotation.vault.requests, "nothing is read before it is needed"
        mailer.send(LETTER)
        mailer.send(LETTER)
        assert (rotation.asked, rotation.users.asked) == (1, 2)
        rotation.change("second")
        mailer.send(LETTER)
        assert (rotation.asked, rotation.users.asked) == (2, 4), "one refusal, one look, one more try"
        mailer.send(LETTER)
        assert (rotation.asked, rotation.users.asked) == (2, 5)
    assert len(rotation.server.messages(4)) == 4


def test_asynchronously_too_and_by_many_mailers_at_once(rotation: Rotation) -> None:
    async def send_by_many() -> None:
        async with AsyncMailer(rotation.account) as one, AsyncMailer(rotation.account) as other:
            await asyncio.gather(*(mailer.send(LETTER) for mailer in (one, other, one, other)))
            rotation.change("second")
            await asyncio.gather(*(mailer.send(LETTER) for mailer in (one, other, one, other)))

    asyncio.run(send_by_many())
    assert rotation.asked == 2
    assert len(rotation.server.messages(8)) == 8


def test_a_wrong_password_is_tried_once_and_once_more_if_it_changed(rotation: Rotation) -> None:
    with Mailer(rotation.account) as mailer:
        mailer.send(LETTER)
        before = rotation.users.asked
        rotation.users["ann"] = "only the server knows"
        with pytest.raises(AuthenticationError) as caught:
            mailer.send(LETTER)
        assert rotation.users.asked == before + 1, "the vault still has the refused one"
        rotation.vault.secrets["secret/smtp"] = {"password": "wrong as well"}
        with pytest.raises(AuthenticationError):
            mailer.send(LETTER)
        assert rotation.users.asked == before + 3
        with pytest.raises(AuthenticationError):
            mailer.send(LETTER)
        assert rotation.users.asked == before + 4
    assert caught.value.code == 535
    assert caught.value.permanent
    shows_nothing(caught.value, "first")


def test_a_refusal_stays_one_where_the_vault_does_not_answer(rotation: Rotation) -> None:
    with Mailer(rotation.account) as mailer:
        mailer.send(LETTER)
        rotation.change("second")
        rotation.vault.trouble = 503
        with pytest.raises(AuthenticationError):
            mailer.send(LETTER)
        rotation.vault.trouble = 0
        mailer.send(LETTER)


def test_a_vault_that_does_not_answer_is_tried_again_by_the_call(rotation: Rotation) -> None:
    rotation.vault.trouble = 503
    with Mailer(rotation.account, retry=None) as mailer, pytest.raises(SecretUnavailable) as caught:
        mailer.send(LETTER)
    assert caught.value.temporary
    assert caught.value.report is not None
    assert not caught.value.report.accepted
    shows_nothing(caught.value, TOKEN)
    assert rotation.users.asked == 0


def error_of(account: Smtp) -> PostroadError:
    with Mailer(account) as mailer, pytest.raises(PostroadError) as caught:
        mailer.send(LETTER)
    return caught.value


@pytest.mark.parametrize("kept", ["nothing there", "empty", "with NUL"])
def test_what_cannot_be_found_or_sent_connects_nobody(kept: str, tmp_path: Path) -> None:
    path = tmp_path / "password"
    if kept != "nothing there":
        path.write_bytes(b"" if kept == "empty" else b"hunter2\0")
    with ScriptedServer(credentials={"ann": "hunter2"}) as server:
        error = error_of(Smtp(server.host, server.port, username="ann", password=Secret.ref(f"file:{path}")))
        assert not server.sessions
    assert type(error) is ConfigurationError
    assert error.setting == f"file:{path}"
    assert str(error).startswith(f"file:{path}: ")
    assert error.permanent
    shows_nothing(error, "hunter2")


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("hunter2\n")
    with ScriptedServer(credentials={"ann": "hunter2"}) as server:
        by_name = {"SMTP_HOST": server.host, "SMTP_PORT": str(server.port), "SMTP_USER": "ann"}
        url = f"smtp://ann@{server.host}:{server.port}"
        for environ in (
            by_name | {"SMTP_PASS_REF": f"file:{path}"},
            {"POSTROAD_URL": url, "POSTROAD_PASSWORD_REF": f"cmd:cat {path}"},
            {"POSTROAD_URL": f"{url}?password_ref=file:{path}"},
        ):
            with Mailer.from_env(environ) as mailer:
                mailer.send(LETTER)
        with Mailer(url, password=Secret.ref(f"file:{path}")) as mailer:
            mailer.send(LETTER)
        assert len(server.messages) == 4


def test_a_password_that_looks_like_a_reference_is_sent_as_it_is() -> None:
    with ScriptedServer(credentials={"ann": "env:HOME"}) as server:
        for environ in (
            {"POSTROAD_URL": f"smtp://ann@{server.host}:{server.port}", "POSTROAD_PASSWORD": "env:HOME"},
            {"POSTROAD_URL": f"smtp://ann:env%3AHOME@{server.host}:{server.port}"},
        ):
            with Mailer.from_env(environ) as mailer:
                mailer.send(LETTER)


def test_a_temporary_failure_of_the_server_reads_nothing_anew(tmp_path: Path) -> None:
    visits = tmp_path / "visits"
    secret = Secret.ref(f"cmd:sh -c 'echo x >> {visits}; echo hunter2'")
    with ScriptedServer(Step("AUTH", "454 4.7.0 later", times=1), credentials={"ann": "hunter2"}) as server:
        account = Smtp(server.host, server.port, username="ann", password=secret)
        with Mailer(account, retry=None) as mailer:
            with pytest.raises(AuthenticationError):
                mailer.send(LETTER)
            mailer.send(LETTER)
    assert visits.read_text() == "x\n"
