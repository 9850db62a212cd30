"""What ``import postroad`` must not load: most programs start more often than they send."""

import subprocess
import sys

import pytest

HEAVY = (
    "email",
    "html",
    "mimetypes",
    "idna",
    "hashlib",
    "asyncio",
    "ssl",
    "pathlib",
    "json",
    "logging.config",
    "urllib",
)


def loaded(code: str) -> set[str]:
    """The modules that the code loads, over those that an empty program has."""
    program = f"import sys; before = set(sys.modules)\n{code}\nprint('\\n'.join(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.fixture(scope="module")
def by_email() -> set[str]:
    return loaded("from postroad.message.email import Email")


@pytest.mark.parametrize("name", HEAVY)
def test_importing_email_loads_nothing_heavy(by_email: set[str], name: str) -> None:
    assert [module for module in by_email if module == name or module.startswith(f"{name}.")] == []


def test_rendering_loads_nothing_heavy_either() -> None:
    modules = loaded(
        "from postroad.message.email import Email\n"
        "Email(from_='Jörg <a@example.com>', to='b@example.com', subject='ä', text='é', html='<p>é').to_bytes()"
    )
    assert modules.isdisjoint(("email", "html", "mimetypes", "idna", "hashlib"))


def test_reading_and_making_text_load_what_they_need_and_no_more() -> None:
    assert "html.parser" not in loaded("from postroad.message.plain_text import plain_text; plain_text('<p>x')")
    assert "email.parser" in loaded(
        "from postroad.message.email import Email; Email.from_bytes(b'From: a@b.example\\nTo: a@b.example\\n\\n')"
    )
