"""How TLS went, counted by domain and policy."""

from postroad.routing.tls_requirement import PolicyType
from postroad.routing.tls_results import Failure, PolicyResults, ResultType
from postroad.transport.direct.tls_counts import TlsResults

STS, NONE = PolicyType.STS, PolicyType.NONE
EXPIRED, MISMATCH = ResultType.CERTIFICATE_EXPIRED, ResultType.CERTIFICATE_HOST_MISMATCH


def test_sessions_are_counted_for_each_domain_and_policy() -> None:
    results = TlsResults()
    results.succeeded("b.example", STS, ("version: STSv1",))
    results.succeeded("b.example", STS, ("version: STSv1",))
    results.succeeded("a.example", NONE)
    for reason in ("first", "second"):
        results.failed("b.example", STS, EXPIRED, host="mx1", address="192.0.2.1", reason=reason)
    results.failed("b.example", STS, MISMATCH, host="mx1", address="192.0.2.1")
    assert results.read() == (
        PolicyResults("a.example", NONE, (), 1, ()),
        PolicyResults(
            "b.example",
            STS,
            ("version: STSv1",),
            2,
            (Failure(EXPIRED, "mx1", "192.0.2.1", 2, "second"), Failure(MISMATCH, "mx1", "192.0.2.1", 1)),
        ),
    )


def test_what_was_taken_is_not_counted_again() -> None:
    results = TlsResults()
    results.succeeded("b.example", STS)
    assert len(results.take()) == 1
    assert results.read() == results.take() == ()


def test_the_results_have_the_words_of_reports() -> None:
    # RFC 8460 §4.3
    assert [str(one) for one in ResultType] == [
        "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
        "validation-failure", "tlsa-invalid", "dnssec-invalid", "sts-policy-fetch-error", "sts-policy-invalid",
        "sts-webpki-invalid",
    ]  # fmt: skip
