"""The examples of the guides in docs/ are Python that runs, and what they say about references is so."""

import re
from inspect import signature
from pathlib import Path

import pytest

from postroad import Email
from postroad.outbox.states import DeliveryState
from postroad.outbox.stream import UncertainPolicy
from postroad.secret import FORMS
from postroad.smtp.sasl import WITH_PASSWORD, WITH_TOKEN

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = [
    pytest.param(example, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, example in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "example", "exec"), {"__name__": "__main__"})


def test_every_reference_is_described() -> None:
    text = (DOCS / "secrets.md").read_text()
    assert [form for form in FORMS.values() if f"| `{form}` |" not in text] == []


def test_the_order_of_mechanisms_is_the_one_that_is_used() -> None:
    text = (DOCS / "authentication.md").read_text()
    assert f"| `password` | {', '.join(WITH_PASSWORD)} |" in text
    assert f"| `token` | {', '.join(WITH_TOKEN)} |" in text


def test_every_state_of_a_delivery_is_described() -> None:
    text = (DOCS / "outbox.md").read_text()
    assert [state for state in DeliveryState if f"| `{state}` |" not in text] == []
    assert [policy.name for policy in UncertainPolicy if f"| `{policy.name}`" not in text] == []


def test_every_argument_of_an_email_is_described() -> None:
    text = (DOCS / "messages.md").read_text()
    rows = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert [name for name in signature(Email).parameters if f"`{name}`" not in rows] == []
