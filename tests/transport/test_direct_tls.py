"""``direct://``: what TLS a host has to have, by MTA-STS, DANE and the sender; what is counted of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from postroad.errors import ConnectError, Unsupported
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.routing.tls_requirement import PolicyType, Wish
from postroad.routing.tls_results import PolicyResults, ResultType
from postroad.testing import Step, Then
from postroad.transport.direct.transport import DirectTransport
from postroad.transport.smtp.limits import PoolLimits
from tests.fakes import letter
from tests.peers.certificates import Certificates, ServerCertificate
from tests.peers.exim import EximSettings
from tests.peers.fixtures import StartExim, StartPostfix
from tests.peers.http_service import Response
from tests.peers.policy_host import policy_page
from tests.peers.postfix import PostfixSettings
from tests.transport.receivers import FIRST, NOBODY, SECOND, SIGNED, SIXTH, World

HOST, OTHER = "mx1.b.example", "mx2.b.example"
WEB = "mta-sts.b.example"
RECORDS: dict[str, object] = {
    "b.example": [{"MX": [10, HOST]}, {"MX": [20, OTHER]}],
    HOST: [{"A": FIRST}],
    OTHER: [{"A": SECOND}],
}
WITH_POLICY: dict[str, object] = {
    **RECORDS,
    "_mta-sts.b.example": [{"TXT": "v=STSv1; id=1;"}],
    WEB: [{"A": "127.0.0.1"}],
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture(scope="module")
def for_host(certificates: Certificates) -> ServerCertificate:
    return certificates.for_names(HOST, OTHER)


def tried(
    world: World, mail: MailObject | None = None, **settings: object
) -> tuple[SendReport, dict[str, PolicyResults]]:
    """The report of one message, and what was counted, by policy."""

    async def one(transport: DirectTransport) -> tuple[SendReport, dict[str, PolicyResults]]:
        report = await transport.deliver(mail or letter())
        return report, {f"{one.policy}": one for one in transport.tls_results.read()}

    return world.run(one, **settings)


def failures(results: PolicyResults) -> list[tuple[str, str]]:
    return [(one.result, one.host) for one in results.failures]


# ── nobody asks for TLS ───────────────────────────────────────────────────────────────────────────────────────────────


def test_tls_is_used_where_it_is_offered_with_whomever(stack: ExitStack, certificates: Certificates) -> None:
    world = World(stack, RECORDS)
    server = world.scripted(FIRST, tls=certificates.expired.server_context())
    report, results = tried(world)
    assert report.all_accepted
    assert "STARTTLS" in server.commands
    assert results["no-policy-found"] == PolicyResults("b.example", PolicyType.NONE, (), 1, ())


@pytest.mark.parametrize(("kind", "address"), [("A", FIRST), ("AAAA", SIXTH)])
def test_mail_goes_in_the_clear_where_it_is_not(stack: ExitStack, kind: str, address: str) -> None:
    world = World(stack, {**RECORDS, HOST: [{kind: address}]})
    world.scripted(address)
    report, results = tried(world)
    assert report.all_accepted
    (failure,) = results["no-policy-found"].failures
    assert (failure.result, failure.host, failure.address) == ("starttls-not-supported", HOST, address)


@pytest.mark.parametrize(
    "step",
    [
        Step("STARTTLS", "454 4.7.0 Not now"),
        Step("STARTTLS", "501 5.5.4 No"),
        Step("STARTTLS", "220 2.0.0 Go", then=Then.CLOSE),
        Step("STARTTLS", "220 2.0.0 Go", then=Then.RESET),
        Step("STARTTLS", None, then=Then.CLOSE),
    ],
    ids=str,
)
def test_mail_goes_in_the_clear_where_tls_does_not_work(
    stack: ExitStack, certificates: Certificates, step: Step
) -> None:
    world = World(stack, RECORDS)
    server = world.scripted(FIRST, step, tls=certificates.good.server_context())
    report, results = tried(world)
    assert report.all_accepted
    assert len(server.sessions) == 2
    assert failures(results["no-policy-found"]) == [("validation-failure", HOST)]


# ── MTA-STS ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def under_policy(
    stack: ExitStack, certificates: Certificates, mode: str, *mx: str, page: Response | None = None
) -> World:
    world = World(stack, WITH_POLICY)
    world.policies(certificates, {WEB: page or policy_page(mode, *(mx or (HOST, OTHER)))})
    return world


def test_an_enforced_policy_is_satisfied_by_a_valid_certificate(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate
) -> None:
    world = under_policy(stack, certificates, "enforce", "*.b.example")
    server = world.aiosmtpd(FIRST, for_host)
    report, results = tried(world)
    assert report.all_accepted
    assert len(server.messages()) == 1
    assert (results["sts"].successes, results["sts"].failures) == (1, ())
    assert results["sts"].strings == ("version: STSv1", "mode: enforce", "mx: *.b.example", "max_age: 86400")


@pytest.mark.system
def test_a_mail_server_hears_nothing_of_the_http_that_a_policy_was_fetched_by(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate, start_exim: StartExim
) -> None:
    exim = start_exim(EximSettings(certificate=for_host))  # it sends away whoever names another protocol than SMTP
    world = World(stack, {**WITH_POLICY, HOST: [{"A": exim.smtp.host}]}, port=exim.smtp.port)
    world.policies(certificates, {WEB: policy_page("enforce", HOST)})
    report, results = tried(world)
    assert report.all_accepted, report
    assert results["sts"].successes == 1


@pytest.mark.parametrize(
    ("certificate", "result"),
    [
        ("wrong_host", ResultType.CERTIFICATE_HOST_MISMATCH),
        ("expired", ResultType.CERTIFICATE_EXPIRED),
        ("self_signed", ResultType.CERTIFICATE_NOT_TRUSTED),
        (None, ResultType.STARTTLS_NOT_SUPPORTED),
    ],
)
def test_an_enforced_policy_keeps_mail_from_a_host_with_a_wrong_certificate(
    stack: ExitStack, certificates: Certificates, certificate: str | None, result: ResultType
) -> None:
    world = under_policy(stack, certificates, "enforce", HOST)
    shown = None
    if certificate == "expired":
        shown = certificates.for_names(HOST, expired=True).server_context()
    elif certificate is not None:
        shown = getattr(certificates, certificate).server_context()
    server = world.scripted(FIRST, tls=shown)
    other = world.scripted(SECOND, tls=shown)
    report, results = tried(world)
    (outcome,) = report.outcomes
    assert outcome.temporary
    assert isinstance(report.error, ConnectError)
    assert not server.messages
    assert not other.sessions  # the policy does not name it
    assert failures(results["sts"]) == [(result, HOST), ("validation-failure", OTHER)]
    assert any("MTA-STS policy (enforce) names this host" in str(route.error) for route in report.routes)
    assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.mark.parametrize("reply", ["220 2.0.0 Go", None])
def test_a_host_that_drops_in_the_middle_of_enforced_tls_is_passed_by(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate, reply: str | None
) -> None:
    world = under_policy(stack, certificates, "enforce")
    tls = for_host.server_context()
    first = world.scripted(FIRST, Step("STARTTLS", reply, then=Then.CLOSE), tls=tls)
    second = world.scripted(SECOND, tls=tls)
    report, results = tried(world)
    assert report.all_accepted
    assert (len(first.sessions), len(second.messages)) == (1, 1)  # never in the clear
    assert failures(results["sts"]) == [("validation-failure", HOST)]
    assert results["sts"].successes == 1


def test_an_enforced_policy_that_names_other_hosts_lets_no_mail_out(
    stack: ExitStack, certificates: Certificates
) -> None:
    world = under_policy(stack, certificates, "enforce", "mx.elsewhere.example")
    server = world.scripted(FIRST)
    report, results = tried(world)
    (outcome,) = report.outcomes
    assert outcome.temporary
    assert "names other hosts than" in outcome.text
    assert outcome.phase is Phase.TLS
    assert not server.sessions
    assert failures(results["sts"]) == [("validation-failure", HOST), ("validation-failure", OTHER)]


def test_an_address_in_the_place_of_an_exchanger_does_not_evade_a_policy(
    stack: ExitStack, certificates: Certificates
) -> None:
    world = under_policy(stack, certificates, "enforce", "mx.elsewhere.example")
    world.dns.zone.add("b.example", [{"MX": [5, f"[{FIRST}]"]}])
    server = world.scripted(FIRST)
    report, _ = tried(world)
    assert not report.all_accepted
    assert not server.sessions


@pytest.mark.parametrize(
    ("certificate", "mx", "result"),
    [
        ("wrong_host", HOST, ResultType.CERTIFICATE_HOST_MISMATCH),
        (None, HOST, ResultType.STARTTLS_NOT_SUPPORTED),
        ("good", "mx.elsewhere.example", ResultType.VALIDATION_FAILURE),
    ],
)
def test_a_policy_that_is_tested_is_counted_and_the_mail_goes(
    stack: ExitStack, certificates: Certificates, certificate: str | None, mx: str, result: ResultType
) -> None:
    world = under_policy(stack, certificates, "testing", mx)
    shown = None if certificate is None else getattr(certificates, certificate).server_context()
    server = world.scripted(FIRST, tls=shown)
    report, results = tried(world)
    assert report.all_accepted
    assert len(server.messages) == 1
    assert ("STARTTLS" in server.commands) is (certificate is not None)
    (failure,) = results["sts"].failures
    assert (failure.result, failure.host, failure.address) == (result, HOST, FIRST)


def test_a_policy_is_fetched_once_and_again_when_its_record_changes(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate
) -> None:
    world = under_policy(stack, certificates, "enforce")
    world.aiosmtpd(FIRST, for_host)

    async def work(transport: DirectTransport) -> list[SendReport]:
        return list(await asyncio.gather(*(transport.deliver(letter(str(number))) for number in range(5))))

    assert all(report.all_accepted for report in world.run(work))
    assert world.web is not None
    assert world.web.asked == [WEB]


@pytest.mark.parametrize(
    ("page", "result"),
    [
        (Response(404, b""), ResultType.STS_POLICY_FETCH_ERROR),
        (Response(200, b"version: STSv1", {"Content-Type": "text/plain"}), ResultType.STS_POLICY_INVALID),
    ],
)
def test_without_a_policy_that_can_be_had_mail_goes_as_without_one(
    stack: ExitStack, certificates: Certificates, page: Response, result: ResultType
) -> None:
    world = under_policy(stack, certificates, "", page=page)
    world.scripted(FIRST)
    report, results = tried(world)
    assert report.all_accepted
    assert failures(results["sts"]) == [(result, "")]


def test_a_policy_of_an_untrusted_web_server_does_not_count(stack: ExitStack, certificates: Certificates) -> None:
    world = World(stack, WITH_POLICY)
    world.policies(certificates, {WEB: policy_page("enforce", "mx.elsewhere.example")}, "www.b.example")
    world.scripted(FIRST)
    report, results = tried(world)
    assert report.all_accepted
    assert failures(results["sts"]) == [("sts-webpki-invalid", "")]


# ── DANE ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def digest_of_key(certificate: ServerCertificate) -> str:
    key = x509.load_pem_x509_certificate(certificate.certificate.read_bytes()).public_key()
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def with_tlsa(port: int, data: str, *, signed: bool = True, web: bool = False) -> dict[str, object]:
    records: dict[str, object] = {**(WITH_POLICY if web else RECORDS), f"_{port}._tcp.{HOST}": [{"TLSA": data}]}
    if signed:
        records["example"] = [SIGNED]
    return records


@pytest.mark.system
def test_a_certificate_that_the_dns_names_is_good_whoever_issued_it(
    stack: ExitStack, certificates: Certificates, start_postfix: StartPostfix
) -> None:
    postfix = start_postfix(PostfixSettings(certificate=certificates.self_signed))
    records = with_tlsa(postfix.smtp.port, f"3 1 1 {digest_of_key(certificates.self_signed)}")
    records[HOST] = [{"A": "127.0.0.1"}]
    world = World(stack, records, port=postfix.smtp.port)
    report, results = tried(world)
    assert report.all_accepted
    assert len(postfix.deliveries()) == 1
    assert results["tlsa"].successes == 1
    assert results["tlsa"].strings == (f"3 1 1 {digest_of_key(certificates.self_signed)}",)


@pytest.fixture
def with_its_authority(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[ServerCertificate], ServerCertificate]:
    """A certificate that is shown with that of its authority (RFC 7672 §3.1.2)."""
    folder = tmp_path_factory.mktemp("chain")

    def chained(certificate: ServerCertificate) -> ServerCertificate:
        chain = folder / certificate.certificate.name
        chain.write_bytes(certificate.certificate.read_bytes() + certificates.ca.read_bytes())
        return ServerCertificate(chain, certificate.key)

    return chained


def under_authority(world: World, certificates: Certificates) -> None:
    """The host's TLSA record is that of an authority."""
    authority = x509.load_pem_x509_certificate(certificates.ca.read_bytes()).public_bytes(Encoding.DER)
    for name, records in with_tlsa(world.port, f"2 0 1 {sha256(authority).hexdigest()}").items():
        world.dns.zone.add(name, records)


def test_an_authority_that_the_dns_names_is_good_for_the_right_name(
    stack: ExitStack,
    certificates: Certificates,
    for_host: ServerCertificate,
    with_its_authority: Callable[[ServerCertificate], ServerCertificate],
) -> None:
    world = World(stack, {})
    under_authority(world, certificates)
    server = world.scripted(FIRST, tls=with_its_authority(for_host).server_context())
    report, results = tried(world)
    assert report.all_accepted, report
    assert len(server.messages) == 1
    assert results["tlsa"].successes == 1


def test_a_certificate_for_the_domain_alone_is_good_for_no_other_domain(
    stack: ExitStack,
    certificates: Certificates,
    with_its_authority: Callable[[ServerCertificate], ServerCertificate],
) -> None:
    world = World(stack, {"c.example": [{"MX": [10, HOST]}, {"MX": [20, OTHER]}]})
    under_authority(world, certificates)
    world.dns.zone.add(OTHER, [{"A": NOBODY}])
    shown = with_its_authority(certificates.for_names("b.example"))
    server = world.scripted(FIRST, tls=shown.server_context())

    async def one_by_one(transport: DirectTransport) -> list[bool]:
        recipients = (["bob@b.example"], ["cay@c.example"], ["bob@b.example", "cay@c.example"])
        return [(await transport.deliver(letter("x", *each))).all_accepted for each in recipients]

    assert world.run(one_by_one, limits=PoolLimits(idle=600.0)) == [True, False, False]  # RFC 7672 §3.2.2
    assert [one.recipients for one in server.messages] == [("bob@b.example",)]


def test_a_certificate_that_the_dns_does_not_name_gets_no_mail(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate
) -> None:
    world = World(stack, {})
    for name, records in with_tlsa(world.port, f"3 1 1 {'00' * 32}", web=True).items():
        world.dns.zone.add(name, records)
    world.dns.zone.add(OTHER, [{"A": NOBODY}])
    world.policies(certificates, {WEB: policy_page("enforce", HOST, OTHER)})  # MTA-STS must not save it
    server = world.scripted(FIRST, tls=for_host.server_context())
    report, results = tried(world)
    assert report.outcomes[0].temporary
    assert any("no TLSA record matches" in str(route.error) for route in report.routes)
    assert not server.messages
    assert failures(results["tlsa"]) == [("validation-failure", HOST)]


def test_without_dnssec_there_is_no_dane(stack: ExitStack, for_host: ServerCertificate) -> None:
    world = World(stack, {})
    for name, records in with_tlsa(world.port, f"3 1 1 {'00' * 32}", signed=False).items():
        world.dns.zone.add(name, records)
    world.scripted(FIRST, tls=for_host.server_context())
    report, results = tried(world)
    assert report.all_accepted
    assert list(results) == ["no-policy-found"]


@pytest.mark.parametrize("with_policy", [False, True])
def test_tlsa_records_that_cannot_be_asked_for_keep_the_mail_back(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate, with_policy: bool
) -> None:
    world = World(stack, {})
    records = with_tlsa(world.port, "3 1 1 00", web=with_policy)
    records |= {f"_{world.port}._tcp.{HOST}": ["SERVFAIL"], OTHER: [{"A": NOBODY}]}
    for name, entries in records.items():
        world.dns.zone.add(name, entries)
    if with_policy:  # MTA-STS must not save it (RFC 8461 §2)
        world.policies(certificates, {WEB: policy_page("enforce", HOST, OTHER)})
    server = world.scripted(FIRST, tls=for_host.server_context())
    report, results = tried(world)
    assert report.outcomes[0].temporary
    assert not server.sessions
    assert failures(results["tlsa"]) == [("dnssec-invalid", HOST)]


def test_tlsa_records_that_nobody_can_use_ask_for_tls_alone(stack: ExitStack, certificates: Certificates) -> None:
    world = World(stack, {})
    for name, records in with_tlsa(world.port, f"1 1 1 {'00' * 32}").items():
        world.dns.zone.add(name, records)
    server = world.scripted(FIRST, tls=certificates.self_signed.server_context())
    world.scripted(SECOND)
    report, results = tried(world)
    assert report.all_accepted
    assert len(server.messages) == 1
    assert results["tlsa"].successes == 1


# ── the sender ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sender_may_want_verified_tls_of_everybody(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate
) -> None:
    world = World(stack, RECORDS)
    world.ca = str(certificates.ca)
    first = world.scripted(FIRST)
    second = world.scripted(SECOND, tls=for_host.server_context())
    report, _ = tried(world, tls=Wish.VERIFIED)
    assert report.all_accepted
    assert (len(first.messages), len(second.messages)) == (0, 1)


def test_require_tls_goes_where_the_host_was_found_safely(
    stack: ExitStack, certificates: Certificates, for_host: ServerCertificate
) -> None:
    mail = letter()
    mail = replace(mail, envelope=replace(mail.envelope, require_tls=True))
    world = under_policy(stack, certificates, "enforce")
    offers = {"extensions": ("8BITMIME", "REQUIRETLS"), "tls": for_host.server_context()}
    server = world.scripted(FIRST, **offers)
    report, _ = tried(world, mail)
    assert report.all_accepted, report
    assert any(command.endswith("REQUIRETLS") for command in server.commands if command.startswith("MAIL"))
    world.web = None  # and nobody vouches for it
    report, _ = tried(world, mail)
    assert isinstance(report.error, Unsupported)
    assert report.outcomes[0].permanent  # RFC 8689 §4.2.1
    assert len(server.messages) == 1


def test_mail_that_does_not_want_tls_goes_whatever_is_published(stack: ExitStack, certificates: Certificates) -> None:
    world = under_policy(stack, certificates, "enforce", "mx.elsewhere.example")
    server = world.scripted(FIRST)
    mail = letter()
    about_tls = replace(mail, content=mail.content.replace(b"Subject:", b"TLS-Required: No\r\nSubject:"))
    report, _ = tried(world, about_tls)  # RFC 8689 §5
    assert report.all_accepted
    in_its_text = replace(mail, content=mail.content + b"TLS-Required: No\r\n")
    report, _ = tried(world, in_its_text)
    assert report.outcomes[0].temporary
    assert len(server.messages) == 1
