"""No test of the command line may be steered by, or leave anything in, the home of whoever runs it."""

from pathlib import Path

import pytest

from postroad import Outbox

_NAMES = (
    "POSTROAD_URL", "POSTROAD_USERNAME", "POSTROAD_PASSWORD", "POSTROAD_DB", "POSTROAD_TRACEBACK",
    "SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASS", "SMTP_TLS", "NO_COLOR",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in _NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def zone(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The path of a file, for --dns, with what the test's module calls ``ZONE``."""
    path = tmp_path / "zone.yaml"
    path.write_text(request.module.ZONE)
    return str(path)


@pytest.fixture
def db(tmp_path: Path) -> str:
    """The URL of an empty outbox."""
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    Outbox(url).close()
    return url
