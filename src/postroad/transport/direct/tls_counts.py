"""Counts how TLS went, for each domain and policy."""

import threading
from collections import Counter
from typing import NamedTuple

from postroad.routing.tls_requirement import PolicyType
from postroad.routing.tls_results import Failure, PolicyResults, ResultType


class _Met(NamedTuple):
    domain: str
    policy: PolicyType
    result: ResultType
    host: str
    address: str


class TlsResults:
    """Counts sessions. Thread-safe: whoever makes reports reads what a worker counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._strings: dict[tuple[str, PolicyType], tuple[str, ...]] = {}
        self._successes: Counter[tuple[str, PolicyType]] = Counter()
        self._failures: Counter[_Met] = Counter()
        self._reasons: dict[_Met, str] = {}

    def succeeded(self, domain: str, policy: PolicyType, strings: tuple[str, ...] = ()) -> None:
        """A session was as the policy wants it."""
        with self._lock:
            self._strings[domain, policy] = strings
            self._successes[domain, policy] += 1

    def failed(
        self,
        domain: str,
        policy: PolicyType,
        result: ResultType,
        *,
        host: str = "",
        address: str = "",
        reason: str = "",
        strings: tuple[str, ...] = (),
    ) -> None:
        """A session was not, or there was none because of the policy."""
        met = _Met(domain, policy, result, host, address)
        with self._lock:
            self._strings[domain, policy] = strings or self._strings.get((domain, policy), ())
            self._failures[met] += 1
            self._reasons[met] = reason

    def read(self) -> tuple[PolicyResults, ...]:
        """What was counted so far, by domain and policy."""
        with self._lock:
            return self._all()

    def take(self) -> tuple[PolicyResults, ...]:
        """What was counted so far; it is counted from nothing again."""
        with self._lock:
            counted = self._all()
            for one in (self._strings, self._successes, self._failures, self._reasons):
                one.clear()
            return counted

    def _all(self) -> tuple[PolicyResults, ...]:
        return tuple([self._of(domain, policy) for domain, policy in sorted(self._strings)])

    def _of(self, domain: str, policy: PolicyType) -> PolicyResults:
        failures = tuple(
            [
                Failure(met.result, met.host, met.address, sessions, self._reasons[met])
                for met, sessions in self._failures.items()
                if (met.domain, met.policy) == (domain, policy)
            ]
        )
        return PolicyResults(domain, policy, self._strings[domain, policy], self._successes[domain, policy], failures)
