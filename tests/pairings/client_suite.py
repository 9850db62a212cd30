"""What every foreign client does with postroad's server."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

import pytest

from postroad.net.smtp_handler import KeyStore, SmtpClient
from postroad.net.smtp_listener import SmtpListener
from postroad.smtp.server_events import ContentComplete
from postroad.smtp.server_settings import AuthOffer, ServerLimits, ServerSettings
from tests.net.recording_handler import RecordingHandler
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.pairings.letters import EIGHT_BIT, LARGE, LETTER
from tests.peers.certificates import Certificates
from tests.peers.endpoint import Endpoint

Received = tuple[SmtpClient, ContentComplete]


class Wire(Enum):
    """How a client is to come."""

    OPEN = "in plain text"
    STARTTLS = "STARTTLS"
    IMPLICIT_TLS = "implicit TLS"


@dataclass(frozen=True, slots=True)
class Login:
    """With what a client is to authenticate. The server knows bob's password, which is ``secret``."""

    mechanism: str
    password: str = "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a client is to send, and how. ``ca`` is the authority that it shall trust."""

    recipients: tuple[str, ...] = ("bob@b.example",)
    sender: str = "ann@a.example"  # "" for the null sender
    content: bytes = LETTER
    wire: Wire = Wire.OPEN
    ca: Path | None = None
    login: Login | None = None
    eight_bit: bool = False  # declared
    smtputf8: bool = False
    reported: bool = False  # a notification of success is asked for


@dataclass(frozen=True, slots=True)
class Sent:
    """What the client says became of it: whether at least one recipient was accepted, and what it showed."""

    accepted: bool
    shown: str


Send = Callable[[Endpoint, Order], Sent]
SETTINGS = ServerSettings(auth=AuthOffer.OVER_TLS_OR_LOOPBACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A listener to be: its settings, its certificate, what it answers to a message."""

    settings: ServerSettings = SETTINGS
    certificates: Certificates | None = None
    implicit_tls: bool = False
    answer: str = "250 2.0.0 Taken"
    keys: KeyStore | None = None

    def to(self, client: Callable[[Endpoint], Sent]) -> tuple[Sent, list[Received]]:
        """What a blocking client came to, and what was received."""
        return asyncio.run(self._serve(client))

    async def _serve(self, client: Callable[[Endpoint], Sent]) -> tuple[Sent, list[Received]]:
        handler = RecordingHandler(answer=self.answer)
        tls = self.certificates.good.server_context() if self.certificates else None
        async with SmtpListener(
            handler, settings=self.settings, tls=tls, implicit_tls=self.implicit_tls, keys=self.keys
        ) as listener:
            sent = await asyncio.to_thread(client, Endpoint("localhost", listener.address[1]))
        return sent, handler.messages


def sender_of(message: ContentComplete) -> str:
    return "" if message.mail.sender is None else message.mail.sender.addr_spec


class ClientSuite:
    """The tests with one client. A subclass brings a fixture ``send``, and the reason for what cannot be tried."""

    peer: ClassVar[str]
    cannot: ClassVar[Mapping[Exercise, str]] = {}
    otherwise: ClassVar[tuple[Exercise, ...]] = ()  # what the client's own file tries in another way

    @exercises(Feature.PLAIN)
    def test_in_plain_text(self, send: Send) -> None:
        sent, ((who, message),) = Serving().to(lambda server: send(server, Order()))
        assert sent.accepted, sent.shown
        assert (sender_of(message), [str(one) for one in message.recipients]) == ("ann@a.example", ["bob@b.example"])
        assert message.content == LETTER
        assert (who.user, who.tls) == (None, None)

    @exercises(Feature.NULL_SENDER)
    def test_from_nobody(self, send: Send) -> None:
        sent, ((_, message),) = Serving().to(lambda server: send(server, Order(sender="")))
        assert sent.accepted, sent.shown
        assert message.mail.sender is None

    @exercises(Feature.STARTTLS)
    def test_starttls(self, send: Send, certificates: Certificates) -> None:
        order = Order(wire=Wire.STARTTLS, ca=certificates.ca)
        sent, ((who, message),) = Serving(certificates=certificates).to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert who.tls
        assert message.content == LETTER

    @exercises(Feature.IMPLICIT_TLS)
    def test_implicit_tls(self, send: Send, certificates: Certificates) -> None:
        order = Order(wire=Wire.IMPLICIT_TLS, ca=certificates.ca)
        serving = Serving(certificates=certificates, implicit_tls=True)
        sent, ((who, message),) = serving.to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert who.tls
        assert message.content == LETTER

    @pytest.mark.parametrize(
        "mechanism",
        [
            pytest.param("PLAIN", marks=exercises(Feature.AUTH_PLAIN)),
            pytest.param("LOGIN", marks=exercises(Feature.AUTH_LOGIN)),
        ],
    )
    def test_each_mechanism(self, send: Send, certificates: Certificates, mechanism: str) -> None:
        order = Order(wire=Wire.STARTTLS, ca=certificates.ca, login=Login(mechanism))
        sent, ((who, _),) = Serving(certificates=certificates).to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert who.user == "bob"

    @exercises(Feature.WRONG_PASSWORD)
    def test_a_wrong_password(self, send: Send, certificates: Certificates) -> None:
        order = Order(wire=Wire.STARTTLS, ca=certificates.ca, login=Login("PLAIN", "wrong"))
        sent, received = Serving(certificates=certificates).to(lambda server: send(server, order))
        assert not sent.accepted
        assert "535" in sent.shown
        assert received == []

    @exercises(Feature.SEVERAL_RECIPIENTS)
    def test_some_recipients_refused(self, send: Send) -> None:
        order = Order(recipients=("bob@b.example", "reject@b.example", "eve@e.example"))
        sent, ((_, message),) = Serving().to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert [str(one) for one in message.recipients] == ["bob@b.example", "eve@e.example"]

    @exercises(Feature.NO_RECIPIENT)
    def test_all_recipients_refused(self, send: Send) -> None:
        sent, received = Serving().to(lambda server: send(server, Order(recipients=("reject@b.example",))))
        assert not sent.accepted
        assert "No such mailbox" in sent.shown
        assert received == []

    @exercises(Feature.TOO_MANY_RECIPIENTS)
    def test_too_many_recipients(self, send: Send) -> None:
        settings = ServerSettings(limits=ServerLimits(recipients=2))
        order = Order(recipients=tuple(f"r{number}@b.example" for number in range(3)))
        sent, ((_, message),) = Serving(settings=settings).to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert [str(one) for one in message.recipients] == ["r0@b.example", "r1@b.example"]

    @exercises(Feature.SENDER_REFUSED)
    def test_the_sender_refused(self, send: Send) -> None:
        sent, received = Serving().to(lambda server: send(server, Order(sender="reject@a.example")))
        assert not sent.accepted
        assert "Not from you" in sent.shown
        assert received == []

    @exercises(Feature.CONTENT_REFUSED)
    def test_the_content_refused(self, send: Send) -> None:
        sent, _ = Serving(answer="554 5.7.1 Not this").to(lambda server: send(server, Order()))
        assert not sent.accepted
        assert "Not this" in sent.shown

    @exercises(Feature.SHUTTING_DOWN)
    def test_421_in_a_session(self, send: Send) -> None:
        sent, _ = Serving(answer="421 4.3.2 Going down").to(lambda server: send(server, Order()))
        assert not sent.accepted
        assert "Going down" in sent.shown

    @exercises(on(Feature.SIZE))
    def test_the_size_declared(self, send: Send) -> None:
        sent, ((_, message),) = Serving().to(lambda server: send(server, Order()))
        assert sent.accepted, sent.shown
        assert message.mail.size is not None
        assert len(LETTER) <= message.mail.size <= len(LETTER) + 1024  # dots counted twice; what Exim adds to be safe

    @exercises(Feature.TOO_LARGE)
    def test_too_large(self, send: Send) -> None:
        settings = ServerSettings(limits=ServerLimits(message_octets=200_000))
        sent, received = Serving(settings=settings).to(lambda server: send(server, Order(content=LARGE)))
        assert not sent.accepted
        assert received == []

    @exercises(Feature.LARGE)
    def test_a_large_message(self, send: Send) -> None:
        sent, ((_, message),) = Serving().to(lambda server: send(server, Order(content=LARGE)))
        assert sent.accepted, sent.shown
        assert message.content == LARGE

    @exercises(Feature.EIGHT_BITS)
    def test_eight_bits(self, send: Send) -> None:
        sent, ((_, message),) = Serving().to(lambda server: send(server, Order(content=EIGHT_BIT)))
        assert sent.accepted, sent.shown
        assert message.content == EIGHT_BIT

    @exercises(on(Feature.EIGHT_BIT_MIME))
    def test_eight_bits_declared(self, send: Send) -> None:
        order = Order(content=EIGHT_BIT, eight_bit=True)
        sent, ((_, message),) = Serving().to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert message.mail.eight_bit
        assert message.content == EIGHT_BIT

    @exercises(on(Feature.DSN))
    def test_a_notification_asked_for(self, send: Send) -> None:
        sent, ((_, message),) = Serving().to(lambda server: send(server, Order(reported=True)))
        assert sent.accepted, sent.shown
        assert message.mail.ret == "HDRS"
        assert [given.notify for given in message.given] == [("SUCCESS",)]
        assert message.content == LETTER

    @exercises(on(Feature.SMTPUTF8))
    def test_addresses_in_utf_8(self, send: Send) -> None:
        order = Order(sender="jörg@a.example", recipients=("zoë@b.example",), smtputf8=True)
        sent, ((_, message),) = Serving().to(lambda server: send(server, order))
        assert sent.accepted, sent.shown
        assert message.mail.smtputf8
        assert (sender_of(message), [str(one) for one in message.recipients]) == ("jörg@a.example", ["zoë@b.example"])
