"""The chain validation scenarios that were published for implementers of RFC 8617."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from postroad.mailauth.arc.validate import validate
from postroad.testing.fake_dns import FakeDns

AT = 1_500_000_000.0  # seconds since the epoch; no signature of the scenarios expires


def scenarios(corpora: Path) -> Iterator[tuple[str, dict[str, Any], FakeDns]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in yaml.load_all((corpora / "arc" / "validation.yml").read_bytes(), Loader=loader):
        dns = FakeDns({name: [{"TXT": text}] for name, text in document["txt-records"].items()})
        for name, scenario in document["tests"].items():
            yield name, scenario, dns


def test_all_scenarios(corpora: Path) -> None:
    wrong = {}
    count = 0
    for name, scenario, dns in scenarios(corpora):
        found = asyncio.run(validate(scenario["message"].encode(), dns, at=AT))
        expected = scenario["cv"].lower() if scenario["cv"] else None  # without one, the chain says of itself it failed
        count += 1
        if expected is not None and found.status != expected:
            wrong[name] = (expected, found.status.value, found.reason)
        assert found.reason
    assert count > 0
    assert wrong == {}
