"""capture() keeps whatever is sent inside the process."""

import asyncio
import threading
from pathlib import Path

import pytest

from postroad import AsyncMailer, Attachment, Email, Mailer, Outbox
from postroad.testing import ScriptedServer, capture

NOWHERE = "smtp://127.0.0.1:1"  # nothing listens there; whoever connects fails


def email(to: str = "ann@example.com") -> Email:
    return Email(from_="orders@acme.example", to=to, subject="Grüße", text="Hello.", html="<p>Hello.</p>")


def test_nothing_is_connected_and_everybody_is_accepted() -> None:
    with capture() as sent, Mailer(NOWHERE) as mailer:
        report = mailer.send(email())

    assert len(report.accepted) == 1
    assert report.message_id == sent.one().mail.message_id
    assert sent.one().subject == "Grüße"
    assert sent.one().text == "Hello."
    assert sent.one().html == "<p>Hello.</p>"
    assert sent.one().mail_from == "orders@acme.example"
    assert sent.one().stream is None


def test_attachments_are_read_back() -> None:
    attachment = Attachment(b"%PDF-", "report.pdf")
    with capture() as sent, Mailer(NOWHERE) as mailer:
        mailer.send(email().replace(attachments=[attachment]))

    assert sent.one().attachments == (attachment,)


def test_bcc_is_a_recipient_and_not_in_the_content() -> None:
    with capture() as sent, Mailer(NOWHERE) as mailer:
        mailer.send(email().replace(bcc="bob@example.com"))

    assert [str(one) for one in sent.one().recipients] == ["ann@example.com", "bob@example.com"]
    assert b"bob" not in sent.one().content


def test_both_faces_and_many_messages() -> None:
    async def send() -> None:
        async with AsyncMailer(NOWHERE) as mailer:
            await mailer.send(email())
            assert [report.index async for report in mailer.send_many([email(), email()])] == [0, 1]

    with capture() as sent:
        asyncio.run(send())
        with Mailer(NOWHERE) as mailer:
            assert len(list(mailer.send_many(email(f"r{number}@example.com") for number in range(100)))) == 100

    assert len(sent) == 103
    assert len(sent.to("R7@example.com")) == 1


def test_every_thread_is_covered() -> None:
    def send() -> None:
        with Mailer(NOWHERE) as mailer:
            mailer.send(email())

    with capture() as sent:
        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(sent.all()) == 8


def test_an_outbox_writes_nothing(tmp_path: Path) -> None:
    with Outbox(f"sqlite:///{tmp_path}/outbox.db") as outbox:
        with capture() as sent:
            receipt = outbox.send(email(), stream="bulk")
        assert receipt.message_id == sent.one().mail.message_id
        assert sent.one().stream == "bulk"
        assert not any(outbox.stats().states.values())


def test_it_ends_with_its_block() -> None:
    with ScriptedServer() as server, Mailer(server.url) as mailer:
        with capture() as sent:
            mailer.send(email())
        mailer.send(email())

        assert len(sent) == 1
        assert len(server.messages) == 1


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), capture():
        1 / 0  # noqa: B018 - an error of the code under test

    with ScriptedServer() as server, Mailer(server.url) as mailer:
        mailer.send(email())
        assert len(server.messages) == 1


def test_captures_nest() -> None:
    with Mailer(NOWHERE) as mailer, capture() as outer:
        with capture() as inner:
            mailer.send(email())
        mailer.send(email("bob@example.com"))

    assert [str(one) for one in inner.one().recipients] == ["ann@example.com"]
    assert [str(one) for one in outer.one().recipients] == ["bob@example.com"]


def test_what_a_failing_test_shows() -> None:
    with capture() as sent, Mailer(NOWHERE) as mailer:
        with pytest.raises(AssertionError, match="exactly one message expected, 0 captured"):
            sent.one()
        mailer.send(email())
        with pytest.raises(AssertionError, match=r"no message expected, 1 captured:\n  <'Grüße' to ann@example.com>"):
            sent.none()


def test_a_bad_message_is_still_an_error() -> None:
    with capture() as sent, Mailer(NOWHERE) as mailer:
        with pytest.raises(ValueError, match="size"):
            mailer.send(email().replace(attachments=[Attachment(bytes(30_000_000), "large.bin")]))
        sent.none()
