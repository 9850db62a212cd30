"""The message of the bench: multipart/alternative, 9 KB on the wire, with non-ASCII text."""

from email.message import EmailMessage
from email.policy import SMTP

SENDER = "Bücher & Mehr <orders@shop.example>"
ENVELOPE_SENDER = "orders@shop.example"
RECIPIENT = "ann@customer.example"
SUBJECT = "Ihre Bestellung 12345 ist unterwegs – schöne Grüße aus Köln"

_SENTENCE = "Vielen Dank für Ihre Bestellung: wir haben sie heute früh geprüft, verpackt und unserem Boten übergeben. "
TEXT = "".join(f"{number}. {_SENTENCE}\n" for number in range(1, 31))
HTML = "<h1>Schöne Grüße</h1>" + "".join(f"<p class='item'>{number}. {_SENTENCE}</p>\n" for number in range(1, 31))


def standard_library_message() -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["To"] = RECIPIENT
    message["Subject"] = SUBJECT
    message["Message-ID"] = "<12345@shop.example>"
    message["Date"] = "Mon, 05 Jan 2026 10:00:00 +0000"
    message.set_content(TEXT)
    message.add_alternative(HTML, subtype="html")
    return message


def rendered() -> bytes:
    """The bytes that every contender of a sending row sends."""
    return standard_library_message().as_bytes()
