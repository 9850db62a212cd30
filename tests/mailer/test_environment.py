"""The route as the environment names it."""

import traceback
from pathlib import Path

import pytest

from postroad import AsyncMailer, ConfigurationError, Mailer, Secret, Smtp, Tls
from postroad.mailer.environment import route_from
from postroad.transport.smtp.transport import SmtpTransport

SECRET = "hunter2"


def settings(environ: dict[str, str]) -> Smtp:
    transport = route_from(environ)
    assert isinstance(transport, SmtpTransport)
    return transport.settings


def complaint(environ: dict[str, str]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        route_from(environ)
    error = caught.value
    told = [str(error), error.advice, *traceback.TracebackException.from_exception(error).format()]
    assert SECRET not in "\n".join(told)
    return error


@pytest.mark.parametrize(
    ("environ", "host", "port", "tls"),
    [
        ({"SMTP_HOST": "mail.example"}, "mail.example", 587, Tls.REQUIRED),
        ({"SMTP_HOST": "mail.example", "SMTP_PORT": "465"}, "mail.example", 465, Tls.IMPLICIT),
        ({"SMTP_HOST": "mail.example", "SMTP_PORT": "2525"}, "mail.example", 2525, Tls.REQUIRED),
        ({"SMTP_HOST": "mail.example", "SMTP_TLS": "implicit"}, "mail.example", 465, Tls.IMPLICIT),
        ({"SMTP_HOST": "mail.example", "SMTP_TLS": "IMPLICIT"}, "mail.example", 465, Tls.IMPLICIT),
        ({"SMTP_HOST": "mail.example", "SMTP_TLS": "starttls"}, "mail.example", 587, Tls.REQUIRED),
        ({"SMTP_HOST": "mail.example", "SMTP_TLS": "starttls", "SMTP_PORT": "465"}, "mail.example", 465, Tls.REQUIRED),
        ({"SMTP_HOST": "mail.example", "SMTP_TLS": "opportunistic"}, "mail.example", 587, Tls.OPPORTUNISTIC),
        ({"SMTP_HOST": "mail.example", "SMTP_TLS": "none", "SMTP_PORT": "25"}, "mail.example", 25, Tls.NONE),
        ({"SMTP_HOST": "::1", "SMTP_PORT": ""}, "::1", 587, Tls.REQUIRED),
        ({"POSTROAD_URL": "smtps://mail.example"}, "mail.example", 465, Tls.IMPLICIT),
        ({"POSTROAD_URL": "smtp://mail.example", "SMTP_HOST": "other.example"}, "mail.example", 587, Tls.REQUIRED),
        ({"POSTROAD_URL": "", "SMTP_HOST": "other.example"}, "other.example", 587, Tls.REQUIRED),
    ],
)
def test_where_and_how(environ: dict[str, str], host: str, port: int, tls: Tls) -> None:
    found = settings(environ)
    assert (found.host, found.port, found.tls) == (host, port, tls)
    assert (found.username, found.password) == (None, None)


@pytest.mark.parametrize(
    "environ",
    [
        {"SMTP_HOST": "mail.example", "SMTP_USER": "ann", "SMTP_PASS": "p@ss:w/rd"},
        {"POSTROAD_URL": "smtp://ann@mail.example", "POSTROAD_PASSWORD": "p@ss:w/rd"},
        {"POSTROAD_URL": "smtp://mail.example", "POSTROAD_USERNAME": "ann", "POSTROAD_PASSWORD": "p@ss:w/rd"},
        {"POSTROAD_URL": "smtp://ann:p%40ss%3Aw%2Frd@mail.example"},
    ],
)
def test_who(environ: dict[str, str]) -> None:
    found = settings(environ)
    assert found.username == "ann"
    assert found.password == Secret("p@ss:w/rd")


@pytest.mark.parametrize(
    "environ",
    [
        {"SMTP_HOST": "mail.example", "SMTP_USER": "ann", "SMTP_PASS_REF": "vault:secret/smtp#password"},
        {"POSTROAD_URL": "smtp://ann@mail.example", "POSTROAD_PASSWORD_REF": "vault:secret/smtp#password"},
        {"POSTROAD_URL": "smtp://ann@mail.example?password_ref=vault:secret/smtp%23password"},
    ],
)
def test_a_password_by_reference(environ: dict[str, str]) -> None:
    assert settings(environ).password == Secret.ref("vault:secret/smtp#password")


@pytest.mark.parametrize("literal", ["env:HOME", "file:/etc/hostname", "cmd:date"])
def test_a_password_that_looks_like_a_reference_is_a_password(literal: str) -> None:
    for environ in (
        {"SMTP_HOST": "mail.example", "SMTP_USER": "ann", "SMTP_PASS": literal},
        {"POSTROAD_URL": "smtp://ann@mail.example", "POSTROAD_PASSWORD": literal},
    ):
        assert settings(environ).password == Secret(literal)


NAMES = {
    "POSTROAD_URL": "smtp://mail.example:2526",
    "POSTROAD_USERNAME": "ann",
    "POSTROAD_PASSWORD": SECRET,
    "SMTP_HOST": "mail.example",
    "SMTP_PORT": "2526",
    "SMTP_USER": "ann",
    "SMTP_PASS": SECRET,
    "SMTP_TLS": "starttls",
}


@pytest.mark.parametrize("names", [[n for n in NAMES if n[0] == "P"], [n for n in NAMES if n[0] == "S"]])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_name_works_with_file(names: list[str], end: str, tmp_path: Path) -> None:
    environ = {}
    for name in names:
        (tmp_path / name).write_bytes((NAMES[name] + end).encode())
        environ[f"{name}_FILE"] = str(tmp_path / name)
    assert settings(environ) == settings({name: NAMES[name] for name in names})
    assert settings(environ).password == Secret(SECRET)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_its_file_contradict_each_other(name: str, tmp_path: Path) -> None:
    (tmp_path / "value").write_text(NAMES[name])
    environ = {key: NAMES[key] for key in NAMES if key.split("_")[0] == name.split("_", maxsplit=1)[0]}
    error = complaint({**environ, f"{name}_FILE": str(tmp_path / "value")})
    assert f"{name} and {name}_FILE are both set" in str(error)
    assert error.setting == name


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin"
    latin.write_bytes(b"hunter2 w\xf6rd")
    for path, reason in ((tmp_path / "absent", "No such file"), (tmp_path, "directory"), (latin, "not UTF-8")):
        error = complaint({"SMTP_HOST": "mail.example", "SMTP_USER": "ann", "SMTP_PASS_FILE": str(path)})
        assert error.setting == "SMTP_PASS_FILE"
        assert reason in str(error)
        assert str(path) in str(error)


@pytest.mark.parametrize(
    ("environ", "setting", "said"),
    [
        ({}, "POSTROAD_URL", "neither POSTROAD_URL nor SMTP_HOST"),
        ({"SMTP_HOST": ""}, "POSTROAD_URL", "neither"),
        ({"SMTP_HOST": "two words"}, "SMTP_HOST", "SMTP_HOST: 'two words' is not a host name"),
        ({"SMTP_HOST": "a", "SMTP_PORT": "smtp"}, "SMTP_PORT", "SMTP_PORT='smtp'"),
        ({"SMTP_HOST": "a", "SMTP_PORT": "0"}, "SMTP_PORT", "SMTP_PORT"),
        ({"SMTP_HOST": "a", "SMTP_PORT": "65536"}, "SMTP_PORT", "SMTP_PORT"),
        ({"SMTP_HOST": "a", "SMTP_PORT": "٤٦٥"}, "SMTP_PORT", "SMTP_PORT"),
        ({"SMTP_HOST": "a", "SMTP_TLS": "yes"}, "SMTP_TLS", "starttls, implicit, opportunistic, none"),
        ({"SMTP_HOST": "a", "SMTP_USER": "ann"}, "SMTP_PASS", "SMTP_USER is set and SMTP_PASS is not"),
        ({"SMTP_HOST": "a", "SMTP_USER": "ann", "SMTP_PASS": ""}, "SMTP_PASS", "SMTP_PASS is not"),
        ({"SMTP_HOST": "a", "SMTP_PASS": SECRET}, "SMTP_USER", "SMTP_PASS is set and SMTP_USER is not"),
        ({"SMTP_HOST": "a", "SMTP_USER": "ann", "SMTP_PASS": f"{SECRET}\0"}, "SMTP_PASS", "NUL"),
        ({"SMTP_HOST": "a", "SMTP_USER": "ann", "SMTP_PASS": f"{SECRET}\udcff"}, "SMTP_PASS", "UTF-8"),
        ({"SMTP_HOST": "a", "SMTP_USER": "ann", "SMTP_PASS": SECRET, "SMTP_TLS": "none"}, "SMTP_TLS", "plain text"),
        (
            {"SMTP_HOST": "a", "SMTP_USER": "ann", "SMTP_PASS": SECRET, "SMTP_PASS_REF": "env:X"},
            "SMTP_PASS",
            "SMTP_PASS and SMTP_PASS_REF are both set",
        ),
        ({"SMTP_HOST": "a", "SMTP_USER": "ann", "SMTP_PASS_REF": SECRET}, "SMTP_PASS_REF", "this is no reference"),
        ({"POSTROAD_URL": f"smtp://a@a?password_ref={SECRET}"}, "POSTROAD_URL", "this is no reference"),
        ({"POSTROAD_URL": "smtp://a@a?auth=ntlm", "POSTROAD_PASSWORD": SECRET}, "POSTROAD_URL", "no mechanism"),
        ({"POSTROAD_URL": "gopher://a"}, "POSTROAD_URL", "POSTROAD_URL: 'gopher' is no kind of route"),
        ({"POSTROAD_URL": f"smtp://ann:{SECRET}/x@a"}, "POSTROAD_URL", "POSTROAD_URL"),
        ({"POSTROAD_URL": f"smtp://ann:{SECRET}@a", "POSTROAD_PASSWORD": SECRET}, "POSTROAD_PASSWORD", "beside"),
        ({"POSTROAD_URL": "smtp://ann@a", "POSTROAD_USERNAME": "ann"}, "POSTROAD_USERNAME", "beside"),
        ({"POSTROAD_URL": "smtp://ann@a"}, "POSTROAD_URL", "username is given and password is not"),
        ({"POSTROAD_URL": "memory://", "POSTROAD_USERNAME": "ann"}, "POSTROAD_USERNAME", "takes no user name"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(environ: dict[str, str], setting: str, said: str) -> None:
    error = complaint(environ)
    assert error.setting == setting
    assert said in str(error)
    assert error.advice


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
def test_both_faces_read_it(kind: type[Mailer], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    with pytest.raises(ConfigurationError):
        kind.from_env()
    monkeypatch.setenv("SMTP_HOST", "mail.example")
    assert kind.from_env().transport.name == "smtp://mail.example:587"
    assert kind.from_env({"POSTROAD_URL": "null://"}, retry=None).transport.name == "null://"
