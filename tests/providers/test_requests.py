"""What goes to each provider, octet by octet: the same message is the same request, on every Python."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email
from postroad.message.seal import seal
from postroad.providers.contract import HttpRequest
from tests.providers.accounts import APIS, KEY

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = {"token": KEY, "key": KEY, "access_key": "AKIDEXAMPLE", "secret_key": KEY}

EVERYTHING = Email(
    from_="Ann Øst <ann@a.example>",
    to=['"Smith, Bob" <bob@b.example>', "cem@c.example"],
    cc=["Dan <dan@d.example>"],
    bcc=["eve@e.example"],
    reply_to="help@a.example",
    subject="Rechnung für März",
    text="Grüße\n",
    html="<p>Grüße, <img src='cid:logo'></p>",
    attachments=[
        Attachment("a;b\n", "zahlen für märz.csv"),
        InlineImage(b"\x89PNG\r\n\x1a\n", "logo", "logo.png"),
    ],
    headers={"X-Order": "12345", "In-Reply-To": "<zero@a.example>"},
    list_unsubscribe=["https://a.example/leave", "mailto:leave@a.example"],
    tags=["welcome"],
    metadata={"order": "12345"},
    message_id="<one@a.example>",
    date=NOW,
)


def shown(request: HttpRequest) -> str:
    """A request as a text: its head, and its body, JSON one field a line."""
    head = [f"{request.method} {request.path}", *(f"{name}: {value}" for name, value in request.headers.items())]
    body = request.body.decode()
    if request.headers.get("content-type") == "application/json":
        body = json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    return "\n".join(head) + "\n\n" + body.replace("\r\n", "\n") + "\n"


@pytest.mark.parametrize("name", APIS)
def test_everything_at_once(name: str) -> None:
    account = APIS[name].provider(KEY)
    request = account.authorized(account.request((account.prepared(seal(EVERYTHING)),)), KEYS, NOW)
    assert shown(request) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name, api in APIS.items() if api.provider(KEY).together > 1])
def test_two_together(name: str) -> None:
    account = APIS[name].provider(KEY)
    plain = Email(from_="ann@a.example", to="bob@b.example", subject="one", text="1", message_id="<1@a.example>")
    mails = [seal(plain), seal(plain.replace(subject="two", message_id="<2@a.example>"))]
    assert all(account.goes_together(one) for one in mails)
    request = account.request(tuple(account.prepared(one) for one in mails))
    assert shown(request) == (GOLDEN / f"{name}_together.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", APIS)
def test_the_probe_sends_nothing(name: str) -> None:
    probe = APIS[name].provider(KEY).probe()
    assert (probe.method, probe.body) == ("GET", b"")
