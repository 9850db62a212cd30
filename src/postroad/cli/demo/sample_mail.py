"""The messages of the demo, and what must become of each recipient."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from postroad.cli.demo.sample_files import pdf, picture
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.email import Email

UNKNOWN: Final = "gone@example.com"  # the server knows nobody of that name
GREYLISTED: Final = "slow@example.net"  # the server wants to be asked twice

_SHOP: Final = "Acme Shop <orders@acme.example>"
_ANN, _BOB = "Ann Example <ann@example.com>", "Bob <bob@example.com>"
_ZOE, _TARO = "Zoë Müller <zoe@example.org>", "山田太郎 <taro@example.org>"
_GREETINGS: Final = "Grüße aus Köln – ご注文ありがとうございます"
_PICTURE: Final = "<p><img src='cid:logo' alt='Acme'> We have a new logo."
_CONFIRMED: Final = "<h1>Order #12345</h1><p>Thank you, Ann! It leaves <b>today</b>.</p>"


@dataclass(frozen=True, slots=True)
class Sample:
    """A message; what it shows; and the state that each recipient's delivery must end in."""

    shows: str
    email: Email
    expected: Mapping[str, str]


def samples(now: datetime) -> tuple[Sample, ...]:
    """All of them, dated ``now``."""
    logo = picture()
    files = [Attachment(pdf("Report (4th quarter)"), "report.pdf"), Attachment(logo, "logo.png")]
    shown = [
        ("plain text", _email(_ANN, "Hello", text="Hello Ann,\n\nthis is plain text.\n.\nA lone dot above.\n")),
        ("HTML, its text made from it", _email([_ANN, _BOB], "Order #12345 confirmed", html=_CONFIRMED)),
        ("a PDF and a picture attached", _email(_BOB, "Your report", text="See the files.", attachments=files)),
        ("an inline image", _email(_ANN, "A word", html=_PICTURE, attachments=[InlineImage(logo, "logo", "logo.png")])),
        (
            "names in any script",
            _email([_ZOE, _TARO], _GREETINGS, text="Schöne Grüße!\nご注文ありがとうございます。\n"),
        ),
        ("one recipient refused", _email([_BOB, UNKNOWN], "News for both", text="One of you is not there.")),
        ("a server that says: not now", _email(GREYLISTED, "Patience", text="You were greylisted first.")),
    ]
    return tuple(_sample(number, shows, email, now) for number, (shows, email) in enumerate(shown, start=1))


def _email(to: str | list[str], subject: str, **content: Any) -> Email:
    return Email(from_=_SHOP, to=to, subject=subject, **content)


def _sample(number: int, shows: str, email: Email, now: datetime) -> Sample:
    # Given here, where the outbox would make them: then what must arrive is known to the last octet.
    dated = email.replace(message_id=f"<demo-{number}-{now:%Y%m%d%H%M%S}@acme.example>", date=now)
    recipients = [recipient.addr_spec for recipient in dated.envelope.recipients]
    return Sample(shows, dated, {address: "refused" if address == UNKNOWN else "sent" for address in recipients})
