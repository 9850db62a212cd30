"""A byte stream over TCP with deadlines: the only place where the client touches a socket.

A thin protocol of asyncio with one reader: what has arrived is handed over whole, without a copy per line, and a
deadline costs one timer. Foreign exceptions are mapped here, once: callers see postroad's errors, ``TimeoutError``
for a deadline, and an empty read at the end.
"""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final, Literal, cast

from postroad.errors import Disconnected, Timeout, TlsError
from postroad.net.host_name import authority
from postroad.net.tls import Handshake, handshake_error, plain_text_on_implicit_port
from postroad.reply import Phase

HIGH_WATER: Final = 256 * 1024  # octets buffered before a writer must wait
READ_LIMIT: Final = 256 * 1024  # octets read ahead before the peer must wait; a reply is at most 64 KiB
SPACE: Final = 32 * 1024  # octets taken in one read; only what is really used of it costs memory
SHUTDOWN_SECONDS: Final = 2.0  # for the TLS goodbye; SES and others close TCP without one
_DER: Final = 2  # the form in which OpenSSL is to hand out a certificate (_ssl.ENCODING_DER)


class Stream(asyncio.BufferedProtocol):
    """One connection. One task reads; or a receiver has taken over, and is called with whatever arrives."""

    def __init__(self) -> None:
        self._receiver: Callable[[bytes], None] | None = None
        self._on_writable: Callable[[], None] | None = None
        self.tls = False
        self.pinned = False  # the peer's key was compared with the pins
        self._transport: asyncio.Transport | None = None
        # Filled anew at every read. Left to asyncio, each read of a short reply costs 256 KiB taken from the system and
        # given back, which takes longer than the read.
        self._space = memoryview(bytearray(SPACE))
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._eof = False
        self._fault: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._paused = False
        self._closed: asyncio.Future[None] | None = None

    # ── asyncio calls these ───────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._space

    def buffer_updated(self, octets: int) -> None:
        data = bytes(self._space[:octets])
        if self._receiver is not None:
            self._receiver(data)
        else:
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        """Something arrived, here or, behind a proxy's last word, before there was a stream."""
        if self._receiver is not None:
            self._receiver(data)
            return
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered > READ_LIMIT and self._transport is not None:
            self._transport.pause_reading()
        self._wake_reader()

    def eof_received(self) -> bool:
        self._ended()
        return False  # close our side too: SMTP has no half-open sessions

    def connection_lost(self, exc: Exception | None) -> None:
        self._fault = exc
        self._ended()
        if self._closed is not None:
            _settle(self._closed)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._on_writable is not None:
            self._on_writable()

    def _ended(self) -> None:
        first, self._eof = not self._eof, True
        self._wake_reader()
        if first and self._receiver is not None:
            self._receiver(b"")

    def _wake_reader(self) -> None:
        if self._reader is not None:
            _settle(self._reader)

    # ── the session calls these ───────────────────────────────────────────────────────────────────────────────────

    def take_over(self, receiver: Callable[[bytes], None], on_writable: Callable[[], None]) -> None:
        """From now on ``receiver`` gets what arrives, in the turn of the event loop in which it does, and ``b""`` once
        at the end; ``on_writable`` is called when the peer has taken enough of what was written.
        """
        self._receiver, self._on_writable = receiver, on_writable
        if self._buffer:
            data = b"".join(self._buffer)
            self._buffer.clear()
            self._buffered = 0
            receiver(data)
        if self._eof and self._receiver is not None:
            receiver(b"")

    def let_go(self) -> None:
        """What arrives is kept for ``read`` again."""
        self._receiver = self._on_writable = None

    @property
    def paused(self) -> bool:
        """More was written than the peer takes at the moment."""
        return self._paused

    @property
    def fault(self) -> Exception | None:
        """What the connection was lost for, such as an alert of TLS; ``None`` while it stands or after a proper end."""
        return self._fault

    @property
    def has_input(self) -> bool:
        """Something has arrived, or the end has."""
        return bool(self._buffer) or self._eof

    @property
    def unsent(self) -> int:
        """Octets given to ``write`` that have not left this process."""
        if self._transport is None or self._eof:
            return 0
        return self._transport.get_write_buffer_size()

    async def read(self, seconds: float) -> bytes:
        """Everything that has arrived, at least one octet; ``b""`` at the end.

        Raises:
            TimeoutError: nothing arrived in time.
        """
        if not self._buffer and not self._eof:
            loop = asyncio.get_running_loop()
            self._reader = loop.create_future()
            timer = loop.call_later(seconds, _expire, self._reader)
            try:
                await self._reader
            finally:
                timer.cancel()
                self._reader = None
        if self._buffered > READ_LIMIT and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        data = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes.

        Raises:
            Disconnected: the connection is gone.
        """
        if self._transport is None or self._transport.is_closing():
            raise Disconnected(f"the connection is closed{self._why()}")
        self._transport.write(data)

    def _why(self) -> str:
        return f": {self._fault}" if self._fault else ""

    async def start_tls(self, handshake: Handshake, where: str, *, implicit: bool = False) -> None:
        """Upgrade to TLS; ``implicit`` says that the server was expected to speak TLS from the first byte.

        Raises:
            TlsError: the handshake failed, or the certificate is not trusted, or its key is not the pinned one.
            ConnectError: the connection was lost meanwhile.
            TlsModeMismatch: the server does not speak TLS here.
            Timeout: the handshake was not finished in time.
        """
        if implicit and self._buffer:  # what came in the clear must never be taken for the server's word
            self.abort()
            raise plain_text_on_implicit_port(where)
        self.connection_made(await self._upgraded(handshake, where, implicit=implicit))
        self.tls = True
        self.pinned = bool(handshake.pins)
        try:
            handshake.check_pin(self._ssl_object().getpeercert(binary_form=True), where)
        except TlsError:
            self.abort()
            raise

    async def _upgraded(self, handshake: Handshake, where: str, *, implicit: bool) -> asyncio.BaseTransport:
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        try:
            upgraded = await loop.start_tls(
                self._transport,
                self,
                handshake.context,
                server_hostname=handshake.server_name,
                ssl_handshake_timeout=handshake.seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except ConnectionAbortedError as fault:  # asyncio's word for its handshake timeout
            self.abort()
            message = f"the TLS handshake with {where} took longer than {handshake.seconds:g} s"
            raise Timeout(message, phase=Phase.TLS) from fault
        except OSError as fault:
            self.abort()
            raise handshake_error(fault, where, implicit=implicit) from fault
        except ValueError as fault:  # the name cannot stand in a handshake
            self.abort()
            message = f"{handshake.server_name!a} cannot be a server's name: {fault}"
            raise TlsError(message, phase=Phase.TLS) from fault
        assert upgraded is not None
        return upgraded

    def _ssl_object(self) -> ssl.SSLObject:
        assert self._transport is not None
        tls: ssl.SSLObject = self._transport.get_extra_info("ssl_object")
        return tls

    def tls_description(self) -> str:
        """Version, cipher and the certificate's subject, for transcripts and ``check()``."""
        tls = self._ssl_object()
        cipher = tls.cipher()
        return f"{tls.version()}, {cipher[0] if cipher else 'no cipher'}"

    def certificate_chain(self) -> tuple[bytes, ...]:
        """The certificates that the peer showed, in DER, its own first, verified or not; none without TLS."""
        if not self.tls:
            return ()
        # The layer below, because Python has a public way to the chain from 3.13 on only.
        shown = getattr(self._ssl_object(), "_sslobj").get_unverified_chain() or ()  # noqa: B009 - unknown to its type
        return tuple([one.public_bytes(_DER) for one in shown])

    def certificate_description(self) -> str:
        """Who the peer's certificate names, who issued it and until when, and what it was held against."""
        assert self._transport is not None
        pinned = ", its key is pinned" if self.pinned else ""
        certificate = self._transport.get_extra_info("peercert") or {}
        if not certificate:
            return f"certificate not verified{pinned}"
        names = ", ".join(value for _, value in certificate.get("subjectAltName", ())[:5])
        issuer = ", ".join(f"{key}={value}" for rdn in certificate.get("issuer", ()) for key, value in rdn)
        return f"certificate for {names} by {issuer}, valid until {certificate.get('notAfter')}{pinned}"

    @property
    def peer(self) -> str:
        """The address connected to, as ``host:port``; the path of a UNIX socket; the proxy's, where there is one."""
        address = self._address("peername")
        if isinstance(address, str):
            return address or "a UNIX socket"
        return authority(*address) if address else "?"

    @property
    def to_loopback(self) -> bool:
        """The other end is on this machine, whatever its name says. Behind a proxy, that is the proxy."""
        address = self._address("peername")
        if isinstance(address, str):
            return True
        return address is not None and ipaddress.ip_address(address[0].partition("%")[0]).is_loopback

    @property
    def own_literal(self) -> str:
        """Our own address as an address literal (RFC 5321 §4.1.3); loopback's, where no network is between us."""
        address = self._address("sockname")
        host = "127.0.0.1" if isinstance(address, str) or address is None else address[0].partition("%")[0]
        return f"[IPv6:{host}]" if ":" in host else f"[{host}]"

    def _address(self, end: Literal["peername", "sockname"]) -> tuple[str, int] | str | None:
        """Host and port, or a text for a UNIX socket."""
        connection = self._transport.get_extra_info("socket") if self._transport else None
        if connection is None:
            return None
        name = self._transport.get_extra_info(end) if self._transport else None
        if connection.family == socket.AF_UNIX:
            return os.fsdecode(name or "")
        return (str(name[0]), int(name[1])) if name else None

    def abort(self) -> None:
        """Drop the connection now; nothing more is sent."""
        if self._transport is not None:
            self._transport.abort()

    async def aclose(self) -> None:
        """Send what is written, close, and wait for it, but not for long: some servers never answer a close_notify."""
        if self._transport is None or self._closed is None:
            return
        # A TLS transport that is closed twice lets go of its session, and can neither be asked nor aborted after that.
        if not self._transport.is_closing():
            self._transport.close()
        timer = asyncio.get_running_loop().call_later(SHUTDOWN_SECONDS, self.abort)
        try:
            await asyncio.shield(self._closed)
        finally:
            timer.cancel()

    def forget_after_fork(self) -> None:
        """In a forked child: give the parent's connection up without touching it.

        Closing it the usual way would take it out of the epoll set that parent and child still share, and a TLS
        close_notify would end the parent's session. Only our copy of the descriptor goes, replaced by /dev/null so
        that its number stays valid for the object that still holds it.
        """
        connection = self._transport.get_extra_info("socket") if self._transport else None
        descriptor = connection.fileno() if connection is not None else -1
        if descriptor >= 0:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, descriptor)
            os.close(null)


def _settle(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _expire(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
