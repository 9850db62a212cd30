"""SMTP-01 to SMTP-04: the server is reached, by the right mode of TLS, greets, and answers EHLO."""

import socket
from collections.abc import Iterator
from typing import Final

from postroad.doctor.check import excerpt
from postroad.doctor.probe.server import Probed
from postroad.doctor.probe.setting import setting
from postroad.doctor.step import Step
from postroad.errors import PostroadError, Throttled, Timeout
from postroad.lint.finding import Finding, Level
from postroad.net.tls import Tls, plain_text_on_implicit_port, tls_on_plain_port
from postroad.reply import Phase, Reply
from postroad.smtp.commands import is_ehlo_name

REACHED: Final = Step("SMTP-01", "The host has an address, and takes connections on this port.", "RFC 5321 §3.1")
MODE: Final = Step(
    "SMTP-02",
    "Port 465 speaks TLS from the first byte (smtps://); 587 and 25 begin in plain text (smtp://) and go on to TLS.",
    "RFC 8314 §3.3, RFC 6409 §3.1, RFC 3207",
)
GREETING: Final = Step(
    "SMTP-03", "The server greets with 220 and its own name, which is a full one.", "RFC 5321 §3.1, §4.2"
)
HELLO: Final = Step("SMTP-04", "The server answers EHLO with its name and its extensions.", "RFC 5321 §3.2, §4.1.1.1")
_MODES: Final = {Tls.REQUIRED: "begins in plain text", Tls.IMPLICIT: "speaks TLS from the first byte"}


def about_reach(probed: Probed) -> Iterator[Finding]:
    """Whether there is a server, and which mode of TLS it speaks."""
    seen, where = probed.strict, probed.account.where
    if not seen.peer:
        assert seen.fault is not None
        yield REACHED.finding(_gravity(seen.fault), told(seen.fault))
        return
    yield REACHED.finding(Level.PASS, f"connected to {seen.peer}")
    if probed.spoken is not probed.expected:
        wrong = plain_text_on_implicit_port if probed.expected is Tls.IMPLICIT else tls_on_plain_port
        yield MODE.finding(Level.FAIL, wrong(where).message, _other_setting(probed))
    elif seen.greeting is not None or seen.version:
        yield MODE.finding(Level.PASS, f"{where} {_MODES[probed.spoken]}")


def _other_setting(probed: Probed) -> str | None:
    """The setting with the other mode; none where it would fail for want of STARTTLS, which SMTP-05 is about."""
    plain = probed.furthest.plain
    if probed.spoken is Tls.REQUIRED and (plain is None or not plain.starttls):
        return None
    return setting(probed.account, probed.spoken)


def about_hello(probed: Probed) -> Iterator[Finding]:
    """What it says of itself."""
    seen = probed.furthest
    if seen.greeting is None or not seen.greeting.code.positive:
        if seen.fault is not None and seen.fault.phase is not Phase.TLS and seen.peer:
            yield GREETING.finding(_gravity(seen.fault), told(seen.fault))
        return
    yield _greeting(seen.greeting)
    if seen.hello is not None and seen.extensions is not None:
        yield _hello(seen.hello, str(seen.extensions))
    if seen.fault is not None and seen.fault.phase not in (Phase.TLS, Phase.STARTTLS):
        yield HELLO.finding(_gravity(seen.fault), told(seen.fault))


def _greeting(reply: Reply) -> Finding:
    name = first_word(reply)
    if is_ehlo_name(name) and "." in name:
        return GREETING.finding(Level.PASS, f"it greets as {excerpt(name)}: {excerpt(str(reply))}")
    return GREETING.finding(Level.INFO, f"it greets without a full name of its own: {excerpt(str(reply))}")


def _hello(reply: Reply, extensions: str) -> Finding:
    name = excerpt(first_word(reply))
    if not extensions:
        return HELLO.finding(Level.WARN, f"{name} has no extensions: {excerpt(str(reply))}")
    return HELLO.finding(Level.PASS, f"{name} offers {excerpt(extensions)}")


def first_word(reply: Reply) -> str:
    """The name that stands first in a greeting and in the answer to EHLO (RFC 5321 §4.2)."""
    return reply.lines[0].partition(" ")[0]


def told(fault: PostroadError) -> str:
    """What went wrong, and what to do about it, for a sentence."""
    if isinstance(fault, Throttled):  # its advice is for programs, which read retry_after
        return f"{excerpt(fault.message)}. Try again later."
    return f"{excerpt(fault.message)}. {fault.advice}" if fault.advice else excerpt(fault.message)


def _gravity(fault: PostroadError) -> Level:
    """A server or a DNS that asks for patience, or is silent for now, leaves it open what it would say."""
    cause = fault.__cause__
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
        return Level.UNKNOWN
    if isinstance(fault, Timeout) and fault.phase is not Phase.CONNECT:
        return Level.UNKNOWN
    return Level.UNKNOWN if fault.code is not None and fault.code.temporary else Level.FAIL
