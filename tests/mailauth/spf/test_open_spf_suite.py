"""The test suite of openspf.org for RFC 7208: all of it, from its own zones."""

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from postroad.mailauth.spf.check import check
from postroad.net.dns.zone import Zone

COUNT = 203  # tests in the release of 2014


def cases(corpora: Path) -> Iterator[tuple[str, dict[str, Any], Zone]]:
    with (corpora / "spf" / "rfc7208-tests.yml").open("rb") as file:
        for document in yaml.load_all(file, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            zone = Zone(document["zonedata"])
            for name, case in document["tests"].items():
                yield name, case, zone


async def fault(name: str, case: dict[str, Any], zone: Zone) -> str | None:
    verdict = await check(ip_address(case["host"]), case["helo"], case["mailfrom"], zone)
    allowed = [case["result"]] if isinstance(case["result"], str) else case["result"]
    if verdict.result not in allowed:
        return f"{name}: {verdict.result} ({verdict.reason}), not {allowed}"
    # DEFAULT stands for what a receiver says without the help of the domain.
    if case.get("explanation", "DEFAULT") not in ("DEFAULT", verdict.explanation):
        return f"{name}: {verdict.explanation!r}, not {case['explanation']!r}"
    if case.get("explanation") == "DEFAULT" and verdict.explanation is not None:
        return f"{name}: {verdict.explanation!r}, and nothing was to be explained"
    return None


def test_the_whole_suite(corpora: Path) -> None:
    async def run() -> tuple[int, list[str]]:
        faults = [await fault(*case) for case in cases(corpora)]
        return len(faults), [one for one in faults if one]

    count, faults = asyncio.run(run())
    assert faults == []
    assert count == COUNT


@pytest.mark.parametrize("name", ["include-loop", "p-macro-ip6-valid", "exists-dnserr"])
def test_the_way_to_a_result_is_told(name: str, corpora: Path) -> None:
    case, zone = next((case, zone) for one, case, zone in cases(corpora) if one == name)
    verdict = asyncio.run(check(ip_address(case["host"]), case["helo"], case["mailfrom"], zone))
    assert verdict.trace
    assert verdict.trace[0].term.startswith("v=spf1")
    assert bool(verdict.reason) == (verdict.mechanism is None)
