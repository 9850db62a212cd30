"""The shell around the providers: connections, messages in one request, keys, pauses, and what is certain when."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DnsError,
    OutcomeUnknown,
    SecretUnavailable,
    Throttled,
    TlsError,
    Unsupported,
)
from postroad.mailer.mailer import AsyncMailer
from postroad.message.attachment import Attachment
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from postroad.message.seal import seal
from postroad.outcome import SendReport
from postroad.providers.contract import HttpReply, HttpRequest, Provider
from postroad.providers.mailgun.emulate import MailgunEmulator
from postroad.providers.mailgun.send import Mailgun
from postroad.providers.postmark.emulate import PostmarkEmulator
from postroad.providers.postmark.send import Postmark
from postroad.providers.resend.emulate import ResendEmulator
from postroad.providers.resend.send import Resend
from postroad.providers.sendgrid.emulate import SendGridEmulator
from postroad.providers.sendgrid.send import SendGrid
from postroad.providers.ses.emulate import SesEmulator
from postroad.providers.ses.send import Ses
from postroad.retry import may_retry
from postroad.secret import Secret
from postroad.transport.provider_api.aws_keys import AwsKeys
from postroad.transport.provider_api.transport import ProviderApiTransport
from tests.fakes import FakeClock, let_others_run
from tests.peers.certificates import Certificates
from tests.peers.provider_service import ProviderService

T = TypeVar("T")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def served(stack: ExitStack, emulator: Any) -> ProviderService:
    return stack.enter_context(ProviderService(emulator))


def email(number: int = 1, *to: str, **more: Any) -> Email:
    return Email(
        from_="ann@a.example",
        to=list(to or ("bob@b.example",)),
        subject=f"hello {number}",
        text="hello",
        message_id=f"<{number}@a.example>",
        **more,
    )


def run(transport: ProviderApiTransport, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    async def within() -> T:
        try:
            return await work()
        finally:
            await transport.aclose()

    return asyncio.run(within())


def deliver(transport: ProviderApiTransport, *mails: MailObject) -> list[SendReport]:
    """Hand all over at once."""

    async def work() -> list[SendReport]:
        return await asyncio.gather(*(transport.deliver(one) for one in mails))

    return run(transport, work)


class ScriptedWire:
    """A wire without a network: answers what it is told, or raises; ``asked`` are the requests."""

    def __init__(self, *answers: HttpReply | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[HttpRequest] = []
        self.gate: asyncio.Event | None = None
        self.under_way = self.most = 0

    async def exchange(self, request: HttpRequest) -> HttpReply:
        self.asked.append(request)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.gate is not None:
                await self.gate.wait()
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        finally:
            self.under_way -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Nothing is open."""


def over(wire: ScriptedWire, provider: Provider, clock: FakeClock | None = None) -> ProviderApiTransport:
    return ProviderApiTransport(provider, wire=lambda _: wire, clock=clock or FakeClock())


SES_KEYS: dict[str, Any] = {"access_key": "AKIDEXAMPLE", "secret_key": "test-key"}
TAKEN = HttpReply(202, b"", {"x-message-id": "x1"})

# ── connections and requests ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_is_used_again(stack: ExitStack) -> None:
    service = served(stack, SendGridEmulator())
    transport = ProviderApiTransport(SendGrid(key="test-key", endpoint=service.url))

    async def work() -> list[SendReport]:
        return [await transport.deliver(seal(email(number))) for number in range(5)]

    assert all(one.all_accepted for one in run(transport, work))
    assert service.connections == 1


def test_so_many_requests_at_once_and_no_more() -> None:
    wire = ScriptedWire(TAKEN)
    transport = over(wire, SendGrid(key="k", connections=3))

    async def work() -> list[SendReport]:
        wire.gate = asyncio.Event()
        sends = [asyncio.ensure_future(transport.deliver(seal(email(number)))) for number in range(12)]
        await let_others_run(20)
        assert wire.under_way == 3
        wire.gate.set()
        return await asyncio.gather(*sends)

    assert [one.remote_id for one in run(transport, work)] == ["x1"] * 12
    assert wire.most == 3


@pytest.mark.parametrize(
    ("emulator", "provider", "path"),
    [
        (PostmarkEmulator, lambda url: Postmark(token="test-key", endpoint=url), "/email/batch"),
        (ResendEmulator, lambda url: Resend(key="test-key", endpoint=url), "/emails/batch"),
    ],
)
def test_many_messages_go_together(stack: ExitStack, emulator: Any, provider: Any, path: str) -> None:
    service = served(stack, emulator())
    emails = [email(number) for number in range(70)]

    async def work() -> list[SendReport]:
        async with AsyncMailer(provider(service.url)) as mailer:
            return [report async for report in mailer.send_many(emails)]

    reports = asyncio.run(work())
    assert sorted(one.index for one in reports) == list(range(70))
    assert all(one.all_accepted for one in reports)
    assert len({one.remote_id for one in reports}) == 70
    assert len(service.received) == 70
    assert len(service.requests) < 20
    assert path in {one.path for one in service.requests}


def test_one_bad_message_of_a_batch_is_its_own(stack: ExitStack) -> None:
    service = served(stack, PostmarkEmulator())
    service.emulator.refuses.add("old@b.example")
    transport = ProviderApiTransport(Postmark(token="test-key", endpoint=service.url))
    mails = [seal(email(1)), seal(email(2, "old@b.example")), seal(email(3))]
    first, bad, last = deliver(transport, *mails)
    assert len(service.requests) == 1
    assert first.all_accepted
    assert last.all_accepted
    assert bad.refused["old@b.example"].permanent
    assert bad.error is not None
    assert bad.error.report is bad


def test_files_do_not_go_together_at_resend(stack: ExitStack) -> None:
    service = served(stack, ResendEmulator())
    transport = ProviderApiTransport(Resend(key="test-key", endpoint=service.url))
    mails = [seal(email(1)), seal(email(2, attachments=[Attachment(b"x", "x.bin")])), seal(email(3))]
    assert all(one.all_accepted for one in deliver(transport, *mails))
    assert {one.path for one in service.requests} == {"/emails"}


def test_the_whole_batch_is_in_doubt_together() -> None:
    wire = ScriptedWire(OutcomeUnknown("lost"))
    reports = deliver(over(wire, Postmark(token="k")), seal(email(1)), seal(email(2)))
    assert [one.unknown[0].recipient.addr_spec for one in reports] == ["bob@b.example"] * 2
    assert reports[0].error is not reports[1].error
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("emulator", "provider", "most"),
    [
        (SesEmulator, lambda url: Ses(region="eu-west-1", **SES_KEYS, endpoint=url), 50),
        (MailgunEmulator, lambda url: Mailgun(domain="a.example", key="test-key", endpoint=url), 1000),
    ],
)  # fmt: skip
def test_more_recipients_than_a_request_takes(stack: ExitStack, emulator: Any, provider: Any, most: int) -> None:
    service = served(stack, emulator())
    everybody = [f"user{number}@b.example" for number in range(most + 7)]
    transport = ProviderApiTransport(provider(service.url))
    asked: list[int] = []

    async def before_commit(recipients: tuple[Address, ...]) -> bool:
        asked.append(len(recipients))
        return True

    async def work() -> SendReport:
        return await transport.deliver(seal(email(1, *everybody)), before_commit=before_commit)

    report = run(transport, work)
    assert [one.recipient.addr_spec for one in report.outcomes] == everybody
    assert report.all_accepted
    assert asked == [len(one.envelope.recipients) for one in service.received] == [most, 7]


def test_more_recipients_than_there_can_be_are_refused() -> None:
    wire = ScriptedWire(TAKEN)
    (report,) = deliver(over(wire, Postmark(token="k")), seal(email(1, *(f"u{one}@b.example" for one in range(51)))))
    assert isinstance(report.error, Unsupported)
    assert wire.asked == []


def test_a_rate_spaces_the_messages() -> None:
    clock = FakeClock()
    wire = ScriptedWire(TAKEN)
    reports = deliver(over(wire, SendGrid(key="k", rate="10/s"), clock), *(seal(email(one)) for one in range(4)))
    assert all(one.all_accepted for one in reports)
    assert sum(clock.slept) > 0


def test_a_rate_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="rate"):
        ProviderApiTransport(SendGrid(key="k", rate="fast"))


# ── leaving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_cancelled_ends_his_request_and_nobody_elses() -> None:
    wire = ScriptedWire(TAKEN)
    transport = over(wire, SendGrid(key="k"))

    async def work() -> None:
        wire.gate = asyncio.Event()
        first = asyncio.ensure_future(transport.deliver(seal(email(1))))
        second = asyncio.ensure_future(transport.deliver(seal(email(2))))
        await let_others_run(10)
        assert wire.under_way == 2
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await let_others_run(5)
        assert wire.under_way == 1
        wire.gate.set()
        assert (await second).all_accepted

    run(transport, work)


def test_a_batch_goes_on_while_anybody_waits_for_it() -> None:
    taken = b'[{"ErrorCode":0,"MessageID":"1"},{"ErrorCode":0,"MessageID":"2"}]'
    wire = ScriptedWire(HttpReply(200, taken))
    transport = over(wire, Postmark(token="k"))

    async def work() -> None:
        wire.gate = asyncio.Event()
        first = asyncio.ensure_future(transport.deliver(seal(email(1))))
        second = asyncio.ensure_future(transport.deliver(seal(email(2))))
        await let_others_run(10)
        first.cancel()
        await let_others_run(5)
        assert wire.under_way == 1
        wire.gate.set()
        assert (await second).remote_id == "2"

    run(transport, work)


def test_closing_lets_requests_end_and_drops_what_waits() -> None:
    wire = ScriptedWire(TAKEN)
    transport = over(wire, SendGrid(key="k", connections=1))

    async def work() -> None:
        wire.gate = asyncio.Event()
        sends = [asyncio.ensure_future(transport.deliver(seal(email(number)))) for number in range(3)]
        await let_others_run(10)
        closing = asyncio.ensure_future(transport.aclose())
        await let_others_run(5)
        wire.gate.set()
        await closing
        first, *others = await asyncio.gather(*sends)
        assert first.all_accepted
        assert all(isinstance(one.error, Abandoned) for one in others)

    run(transport, work)
    assert len(wire.asked) == 1


def test_another_event_loop_needs_a_transport_of_its_own() -> None:
    transport = over(ScriptedWire(TAKEN), SendGrid(key="k"))

    async def work() -> None:
        await transport.deliver(seal(email()))
        with pytest.raises(ConfigurationError, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(transport.deliver(seal(email()))))

    run(transport, work)


# ── what is certain ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_with_an_idempotency_key_the_same_request_is_made_again() -> None:
    clock = FakeClock()
    wire = ScriptedWire(OutcomeUnknown("lost"), HttpReply(500, b"oops"), HttpReply(200, b'{"id":"r1"}'))
    (report,) = deliver(over(wire, Resend(key="k"), clock), seal(email()))
    assert report.all_accepted
    assert report.remote_id == "r1"
    keys = [one.headers["idempotency-key"] for one in wire.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len({one.body for one in wire.asked}) == 1
    assert clock.slept == [1.0, 3.0]


def test_the_first_one_still_under_way_is_asked_about_again() -> None:
    busy = HttpReply(409, b'{"name":"concurrent_idempotent_requests","message":"wait"}')
    wire = ScriptedWire(OutcomeUnknown("lost"), busy, HttpReply(200, b'{"id":"r1"}'))
    assert deliver(over(wire, Resend(key="k")), seal(email()))[0].remote_id == "r1"


def test_what_stays_unanswered_stays_in_doubt_though_the_last_answer_was_too_fast() -> None:
    wire = ScriptedWire(OutcomeUnknown("lost"), HttpReply(429, b"{}"), HttpReply(503, b"{}"))
    (report,) = deliver(over(wire, Resend(key="k")), seal(email()))
    assert isinstance(report.error, OutcomeUnknown)
    assert len(wire.asked) == 3


def test_other_messages_have_other_keys_and_the_same_one_the_same() -> None:
    def key_of(*mails: MailObject) -> str:
        account = Resend(key="k")
        return account.request(tuple(account.prepared(one) for one in mails)).headers["idempotency-key"]

    one, two = seal(email(1)), seal(email(2))
    assert key_of(one) == key_of(one)
    assert len({key_of(one), key_of(two), key_of(one, two), key_of(two, one)}) == 4


def test_without_a_message_id_nothing_is_repeated() -> None:
    wire = ScriptedWire(OutcomeUnknown("lost"), HttpReply(200, b'{"id":"r1"}'))
    mail = seal(email().replace(message_id=None))
    (report,) = deliver(over(wire, Resend(key="k")), mail)
    assert isinstance(report.error, OutcomeUnknown)
    assert "idempotency-key" not in wire.asked[0].headers


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"MessageID": ""}', b"\xff"])
def test_an_answer_that_says_nothing_is_doubt(body: bytes) -> None:
    (report,) = deliver(over(ScriptedWire(HttpReply(200, body)), Postmark(token="k")), seal(email()))
    assert isinstance(report.error, OutcomeUnknown)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("Wed, 15 Nov 2023 22:13:30 GMT", 86_410.0), ("soon", None), ("", None), ("-3", None)],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    wire = ScriptedWire(HttpReply(429, b"{}", {"retry-after": header}))
    (report,) = deliver(over(wire, Mailgun(domain="a.example", key="k")), seal(email()))
    assert isinstance(report.error, Throttled)
    assert report.error.retry_after == seconds
    assert all(map(may_retry, report.outcomes))


def test_sendgrid_says_it_in_a_header_of_its_own() -> None:
    at = FakeClock().at + 9
    wire = ScriptedWire(HttpReply(429, b"{}", {"x-ratelimit-reset": str(int(at))}))
    (report,) = deliver(over(wire, SendGrid(key="k")), seal(email()))
    assert report.error is not None
    assert report.error.retry_after == 9.0


def test_a_host_that_is_none_and_a_certificate_that_is_not_trusted(
    stack: ExitStack, certificates: Certificates
) -> None:
    endpoint = "https://nobody.invalid"
    (report,) = deliver(ProviderApiTransport(SendGrid(key="k", endpoint=endpoint)), seal(email()))
    assert isinstance(report.error, ConnectError)
    assert isinstance(report.error, DnsError) or "invalid" in str(report.error)
    assert not report.unknown


def test_a_tls_fault_is_not_tried_again(stack: ExitStack) -> None:
    service = served(stack, SendGridEmulator())  # speaks no TLS
    endpoint = service.url.replace("http://", "https://")
    (report,) = deliver(ProviderApiTransport(SendGrid(key="k", endpoint=endpoint)), seal(email()))
    assert isinstance(report.error, TlsError)
    assert report.error.permanent


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_that_was_changed_where_it_is_kept_is_read_again(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    kept = tmp_path / "key"
    kept.write_text("old")
    service = served(stack, SendGridEmulator())
    account = SendGrid(key=Secret.ref(f"cmd:cat {kept}"), endpoint=service.url)
    transport = ProviderApiTransport(account)

    async def work() -> list[SendReport]:
        first = await transport.deliver(seal(email(1)))
        kept.write_text("test-key")
        return [first, await transport.deliver(seal(email(2)))]

    first, second = run(transport, work)
    assert isinstance(first.error, AuthenticationError)
    assert second.all_accepted
    assert [one.headers["authorization"] for one in service.requests] == ["Bearer old", "Bearer old", "Bearer test-key"]


def test_a_key_that_cannot_be_found_stops_the_message_before_anything_is_promised() -> None:
    wire = ScriptedWire(TAKEN)
    transport = over(wire, SendGrid(key=Secret.ref("env:POSTROAD_TEST_NO_SUCH_KEY")))

    async def never(_: object) -> bool:
        raise AssertionError

    async def work() -> SendReport:
        return await transport.deliver(seal(email()), before_commit=never)

    report = run(transport, work)
    assert isinstance(report.error, ConfigurationError)
    assert not isinstance(report.error, SecretUnavailable)
    assert "POSTROAD_TEST_NO_SUCH_KEY" in str(report.error)
    assert wire.asked == []


def test_the_usual_variable_is_read_where_no_key_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "from the environment")
    wire = ScriptedWire(TAKEN)
    deliver(over(wire, SendGrid()), seal(email()))
    assert wire.asked[0].headers["authorization"] == "Bearer from the environment"


def test_the_keys_of_the_machine_are_awss(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    shared = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    with pytest.raises(ConfigurationError, match="no AWS credentials"):
        asyncio.run(AwsKeys().get())
    shared.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = kept in a file\n")
    found = {name: secret.reveal() for name, secret in asyncio.run(AwsKeys().get()).items()}
    assert found == {"access_key": "AKID", "secret_key": "kept in a file"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    found = {name: secret.reveal() for name, secret in asyncio.run(AwsKeys().get()).items()}
    assert found == {"access_key": "AKID2", "secret_key": "s", "session_token": "t"}


def test_no_key_is_shown_anywhere(stack: ExitStack) -> None:
    service = served(stack, SendGridEmulator())
    account = SendGrid(key="sEcReT", endpoint=service.url)
    transport = ProviderApiTransport(account)
    (report,) = deliver(transport, seal(email()))
    request = account.authorized(account.request((account.prepared(seal(email())),)), {"key": "sEcReT"}, None)  # type: ignore[arg-type]
    for shown in (repr(account), str(report), repr(report.error), transport.name, repr(request)):
        assert "sEcReT" not in shown


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "endpoint",
    ["http://api.example.com", "ftp://127.0.0.1", "api.example.com", "https://", "https://u:p@api.example.com",
     "https://api.example.com/?x=1", "https://[::1"],
)  # fmt: skip
def test_an_endpoint_that_is_none_or_would_show_the_key(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint"):
        ProviderApiTransport(SendGrid(key="k", endpoint=endpoint))


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (lambda: SendGrid(key=""), "key"),
        (lambda: SendGrid(key="k", region="mars"), "region"),
        (lambda: SendGrid(key="k", connections=0), "connections"),
        (lambda: SendGrid(key="k", timeout=0), "timeout"),
        (lambda: Mailgun(domain="", key="k"), "domain"),
        (lambda: Ses(region="europe"), "region"),
        (lambda: Ses(region="eu-west-1", access_key="a"), "secret_key"),
    ],
)
def test_a_setting_that_is_wrong_is_named(make: Callable[[], Provider], setting: str) -> None:
    with pytest.raises(ConfigurationError) as fault:
        make()
    assert fault.value.setting == setting


def test_without_httpx_the_extra_is_named() -> None:
    program = """
import sys
sys.modules["httpx"] = None  # as if it were not installed
from postroad import Mailer, MissingExtra, Postmark
try:
    Mailer(Postmark(token="x"))
except MissingExtra as error:
    print(error, "|", error.advice)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert "pip install 'postroad[http]'" in done.stdout


def test_naming_a_provider_loads_no_http_before_it_is_used() -> None:
    program = """
import sys
from postroad import Email, Mailer
assert not {one for one in sys.modules if one.startswith("postroad.providers.") and one.endswith(".send")}
from postroad.transport.from_url import from_url
from_url("sendgrid://k@")
assert "httpx" not in sys.modules and "boto3" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], timeout=120, check=True)
