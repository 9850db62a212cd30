"""docs/routes.md says what the code does: every scheme, every option, every preset."""

import re
from pathlib import Path

import pytest

from postroad.transport import presets
from postroad.transport.breaker import BreakerSettings
from postroad.transport.composed_text import read_composition
from postroad.transport.from_url import _MAKERS, from_url
from postroad.transport.presets import PRESETS, Preset
from postroad.transport.sendmail import PROCESSES, SECONDS, USUAL_PLACES
from postroad.transport.smtp import url
from postroad.transport.smtp.limits import MAX_SIZE, PoolLimits, Timeouts

PAGE = (Path(__file__).parents[2] / "docs" / "routes.md").read_text()


def row(preset: Preset) -> str:
    """The preset's line in the table."""
    limits = (
        f"{preset.connections} connections" if preset.connections else "",
        f"{preset.messages} messages a connection" if preset.messages else "",
        f"idle {preset.idle:g} s" if preset.idle else "",
        f"{preset.daily} a day" if preset.daily else "",
    )
    user = f"`{preset.user}`" if preset.user else ""
    size = f"{preset.max_size // presets.MB} MB" if preset.max_size else ""
    said = ", ".join(filter(None, limits))
    return f"| `{preset.name}` | {preset.title} | `{preset.host}` | {preset.port} | {user} | {size} | {said} |"


def test_the_table_of_relays_is_the_data() -> None:
    table = PAGE[PAGE.index("| name | relay |") :].splitlines()[2 : 2 + len(PRESETS)]
    assert table == [row(preset) for preset in PRESETS]


def test_every_scheme_is_there() -> None:
    assert [scheme for scheme in _MAKERS if f"| `{scheme}://" not in PAGE] == []


def test_every_option_is_there() -> None:
    known = {*url._OF_LIMITS, *url._OF_TIMEOUTS, *url._OF_ACCOUNT, *url._OF_LMTP, url._BY_REFERENCE}
    section = PAGE[PAGE.index("## Options of SMTP") : PAGE.index("### Rates")]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall("`([a-z_]+)`", " ".join(cells))) == known


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("pool", PoolLimits().connections),
        ("messages", PoolLimits().messages),
        ("max_age", PoolLimits().age),
        ("idle", PoolLimits().idle),
        ("pool_timeout", PoolLimits().wait),
        ("dot_timeout", Timeouts().dot),
    ],
)
def test_the_usual_values_are_right(option: str, value: float) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{option}` |"))
    assert line.endswith(f"| {value:g} |")


def test_sizes_breakers_and_programs_are_as_they_say() -> None:
    assert f"| {MAX_SIZE // 1_000_000} MB |" in PAGE
    usual = BreakerSettings()
    assert (usual.failures, usual.seconds, usual.fault_seconds) == (3, 30.0, 600.0)
    assert "failed three times in a row is left out for 30 seconds" in PAGE
    assert f"| programs that run at once | {PROCESSES} |" in PAGE
    assert f"| seconds until it is ended | {SECONDS:g} |" in PAGE
    assert all(f"`{place}`" in PAGE for place in USUAL_PLACES)


def test_the_compositions_it_shows_can_be_read() -> None:
    shown = re.findall(r"`((?:failover|roundrobin|weighted)\(.*?\))`", PAGE)
    assert len(shown) >= 4
    for text in shown:
        if "…" not in text:
            assert read_composition(re.sub(r"\b([ABC])\b", r"smtp://\1.example", text)).members
    assert from_url("failover(smtp://a.example smtp://b.example)?failures=5&seconds=60").name
