"""Documents by HTTPS: from servers with right and wrong certificates, found through the DNS, within their limits."""

import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest

from postroad.errors import MissingExtra
from postroad.lookup import Fetched, FetchFailed
from postroad.net.dns.zone import Zone
from postroad.net.https_fetcher import HttpsFetcher
from postroad.routing.mta_sts import MAX_OCTETS
from tests.peers.certificates import Certificates, ServerCertificate
from tests.peers.endpoint import LOOPBACK
from tests.peers.http_service import Response
from tests.peers.policy_host import POLICY_PATH, PolicyHost, policy_page
from tests.peers.waiting import PATIENCE

HOST = "mta-sts.acme.example"
URL = f"https://{HOST}{POLICY_PATH}"
ZONE = Zone({HOST: [{"A": LOOPBACK}]})
POLICY = policy_page("enforce", "mx.acme.example")


@pytest.fixture(scope="module")
def certificate(certificates: Certificates) -> ServerCertificate:
    return certificates.for_names(HOST, "other.example")


@pytest.fixture
def server(certificate: ServerCertificate) -> Iterator[PolicyHost]:
    with PolicyHost(certificate, {HOST: POLICY}) as running:
        yield running


def get(fetcher: HttpsFetcher, url: str = URL, limit: int = MAX_OCTETS, seconds: float = 30) -> Fetched | FetchFailed:
    return asyncio.run(fetcher.get(url, limit=limit, timeout=seconds))


def fetcher_for(server: PolicyHost, certificates: Certificates, zone: Zone = ZONE) -> HttpsFetcher:
    return HttpsFetcher(zone, ca=str(certificates.ca), port=server.endpoint.port)


def failure(answer: Fetched | FetchFailed) -> FetchFailed:
    assert isinstance(answer, FetchFailed), answer
    return answer


def test_a_document_comes_as_it_is(server: PolicyHost, certificates: Certificates) -> None:
    assert get(fetcher_for(server, certificates)) == Fetched(URL, 200, "text/plain", POLICY.octets())
    (request,) = server.requests
    assert (request.headers["host"], request.path) == (HOST, POLICY_PATH)
    assert request.headers["accept-encoding"] == "identity"


def test_the_next_address_is_tried_where_nobody_listens(server: PolicyHost, certificates: Certificates) -> None:
    zone = Zone({HOST: [{"AAAA": "::1"}, {"A": LOOPBACK}]})  # the server listens by IPv4 alone
    assert isinstance(get(fetcher_for(server, certificates, zone)), Fetched)


def test_the_certificate_is_for_the_host_that_was_asked_for(server: PolicyHost, certificates: Certificates) -> None:
    zone = Zone({"mta-sts.else.example": [{"A": LOOPBACK}], "other.example": [{"A": LOOPBACK}]})
    fetcher = fetcher_for(server, certificates, zone)
    refused = failure(get(fetcher, "https://mta-sts.else.example/"))
    assert refused.untrusted
    assert "mta-sts.else.example" in refused.reason
    assert not server.requests
    assert isinstance(get(fetcher, "https://other.example/"), Fetched)


def test_a_certificate_of_nobody_is_not_trusted(certificates: Certificates) -> None:
    with PolicyHost(certificates.expired, {"localhost": POLICY}) as server:
        fetcher = fetcher_for(server, certificates, Zone({"localhost": [{"A": LOOPBACK}]}))
        refused = failure(get(fetcher, "https://localhost/"))
        assert refused.untrusted
        assert "expired" in refused.reason
    with PolicyHost(certificates.good, {}) as server:
        strict = HttpsFetcher(Zone({"localhost": [{"A": LOOPBACK}]}), port=server.endpoint.port)
        assert failure(get(strict, "https://localhost/")).untrusted


def test_redirects_are_an_answer_and_not_followed(server: PolicyHost, certificates: Certificates) -> None:
    server.pages[HOST] = Response(301, b"", {"Location": f"https://other.example:{server.endpoint.port}/"})
    answer = get(fetcher_for(server, certificates))
    assert isinstance(answer, Fetched)
    assert (answer.code, len(server.requests)) == (301, 1)


def test_an_answer_has_its_limit(server: PolicyHost, certificates: Certificates) -> None:
    server.pages[HOST] = Response(200, b"x" * 100, {"Content-Type": "text/plain"})
    fetcher = fetcher_for(server, certificates)
    assert isinstance(get(fetcher, limit=100), Fetched)
    assert "more than 99 octets" in failure(get(fetcher, limit=99)).reason


def test_nothing_is_unfolded(server: PolicyHost, certificates: Certificates) -> None:
    server.pages[HOST] = Response(200, b"\x1f\x8b", {"Content-Type": "text/plain", "Content-Encoding": "gzip"})
    assert "compressed" in failure(get(fetcher_for(server, certificates))).reason


def test_a_silent_server_is_waited_for_no_longer_than_said(server: PolicyHost, certificates: Certificates) -> None:
    server.hold()
    assert "within 0.5 s" in failure(get(fetcher_for(server, certificates), seconds=0.5)).reason


def test_who_gives_up_in_the_handshake_leaves_no_connection(certificates: Certificates) -> None:
    async def work() -> None:
        met, gone = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)  # of the client's part of a handshake, which has no other
            met.set()
            await reader.read()
            gone.set()
            writer.close()

        server = await asyncio.start_server(silent, LOOPBACK, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            fetcher = HttpsFetcher(ZONE, ca=str(certificates.ca), port=port)
            fetching = asyncio.create_task(fetcher.get(URL, limit=MAX_OCTETS, timeout=PATIENCE))
            await met.wait()
            fetching.cancel()
            gc.disable()
            try:
                with pytest.raises(asyncio.CancelledError):
                    await fetching
                await asyncio.wait_for(gone.wait(), PATIENCE)
            finally:
                gc.enable()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("records", "reason"),
    [([], "has no address"), (["TIMEOUT"], "AAAA of mta-sts"), (["SERVFAIL"], "AAAA of mta-sts")],
)
def test_a_host_that_is_not_found(records: list[object], reason: str) -> None:
    fetcher = HttpsFetcher(Zone({HOST: records}))
    assert reason in failure(get(fetcher)).reason


@pytest.mark.parametrize("url", ["http://acme.example/", "https://", "https://[::1/", "https://acme.example:x/", "ftp"])
def test_what_is_no_https_url_is_not_asked_for(url: str) -> None:
    assert failure(get(HttpsFetcher(ZONE), url)).reason


def test_a_port_where_nobody_listens(certificates: Certificates) -> None:
    with PolicyHost(certificates.good, {}) as server:
        fetcher = fetcher_for(server, certificates)
    assert not failure(get(fetcher)).untrusted


def test_the_system_resolves_without_a_resolver(certificates: Certificates) -> None:
    with PolicyHost(certificates.good, {"localhost/x?y=1": POLICY}) as server:
        fetcher = HttpsFetcher(ca=str(certificates.ca), port=server.endpoint.port)
        assert isinstance(get(fetcher, "https://localhost/x?y=1#z"), Fetched)
        assert get(fetcher, f"https://127.0.0.1:{server.endpoint.port}/") == Fetched(
            f"https://127.0.0.1:{server.endpoint.port}/", 404, "text/plain", b"not here"
        )


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match="httpx") as raised:
        HttpsFetcher()
    assert raised.value.advice == "pip install 'postroad[http]'"
