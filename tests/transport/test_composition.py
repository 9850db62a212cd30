"""Several routes in one: as a text, and as objects that say the same."""

import contextlib
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.mailer.environment import route_from
from postroad.mailer.mailer import AsyncMailer
from postroad.transport.breaker import BreakerSettings
from postroad.transport.composed_text import MAX_DEPTH, Written, read_composition
from postroad.transport.composition import Composition, Failover, RoundRobin, Weighted
from postroad.transport.failover import ComposedTransport
from postroad.transport.from_url import from_url
from postroad.transport.route import Route, anew, transport_of
from postroad.transport.route_url import has_password, redacted
from postroad.transport.smtp.settings import PoolLimits, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport

A, B = "smtp://a.example", "smtps://b.example"


def composed(text: str) -> ComposedTransport:
    transport = from_url(text)
    assert isinstance(transport, ComposedTransport)
    return transport


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"failover({A} {B})", "failover(smtp://a.example:587 smtps://b.example:465)"),
        (f"  roundrobin(\n  {A}\n  {B}\n)\n", "roundrobin(smtp://a.example:587 smtps://b.example:465)"),
        (f"weighted({A}?pool=3=9 {B}=1)", "weighted(smtp://a.example:587=9 smtps://b.example:465=1)"),
        ("failover(memory://)", "failover(memory://)"),
        (
            f"failover(weighted({A}=2 null://=1) roundrobin(memory:// console://) {B})",
            "failover(weighted(smtp://a.example:587=2 null://=1) roundrobin(memory:// console://) smtps://b.example:465)",
        ),
        ("weighted(failover(null:// memory://)?failures=2=7 null://=1)", None),
    ],
)
def test_a_text_and_its_transport(text: str, name: str | None) -> None:
    assert composed(text).name == (name or "weighted(failover(null:// memory://)=7 null://=1)")


def test_an_option_of_a_member_is_its_own() -> None:
    transport = composed(f"weighted({A}?pool=3&ehlo=x.example=9 {B}=1)")
    account = transport.transports[0]
    assert isinstance(account, SmtpTransport)
    assert account.settings.limits.connections == 3
    assert account.settings.ehlo == "x.example"
    assert transport.weights == (9, 1)


def test_the_breaker_is_set_behind_the_parenthesis() -> None:
    transport = composed("failover(failover(null:// null://)?failures=7 null://)?failures=5&seconds=60")
    assert transport.breaker == BreakerSettings(failures=5, seconds=60.0)
    inner = transport.transports[0]
    assert isinstance(inner, ComposedTransport)
    assert inner.breaker == BreakerSettings(failures=7)


def test_parentheses_that_a_url_opens_and_closes_are_its_own(tmp_path: Path) -> None:
    transport = composed(f"failover(file://{tmp_path}/mail(1) null://)")
    assert transport.transports[0].name == f"file://{tmp_path}/mail(1)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("failover()", "has no routes"),
        ("failover(null://", "is not closed"),
        ("failover(null:// null://))", "something stands behind|only \\?options"),
        ("failover(null://) null://", "something stands behind"),
        ("failover(null://)x", "only \\?options follow"),
        ("fallback(null://)", "fallback\\( is unknown"),
        ("(null://)", "\\( is unknown"),
        ("Failover(null://)", "Failover\\( is unknown"),
        ("weighted(null:// null://=1)", "does not end in =WEIGHT"),
        ("weighted(null://=0 null://=1)", "the weight 0"),
        ("weighted(null://=99999999999)", "is not a whole number from 1"),
        ("weighted(null://=1.5)", "does not end in =WEIGHT"),
        ("weighted(null://=²)", "does not end in =WEIGHT"),
        ("failover(null://)?failures=0", "failures='0' is not a whole number"),
        ("failover(null://)?seconds=soon", "seconds='soon' is not a number"),
        ("failover(null://)?fails=1", "has no option 'fails'; it has failures, seconds"),
        ("failover(null://)?failures=1&failures=2", "given twice"),
        ("failover(null://, null://)", "a comma stands between"),
        ("failover(nil://)", "'nil' is no kind of route"),
        ("failover(" * (MAX_DEPTH + 1) + "null://" + ")" * (MAX_DEPTH + 1), "more than 8 compositions"),
        ("failover(" * 100_000, "more than 8 compositions"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        from_url(text)


SECRET = "hunter2"
WITH_PASSWORD = [
    f"failover(smtp://ann:{SECRET}@a.example null://",
    f"failover(smtp://ann:{SECRET})@a.example null://)",
    f"weighted(smtp://ann:{SECRET}@a.example null://=1)",
    f"failover(smtp://ann:{SECRET}@a.example?pool=x null://)",
    f"failover(smtp://ann:{SECRET}@a.example:x null://)",
    f"fallback(smtp://ann:{SECRET}@a.example)",
]


@pytest.mark.parametrize("text", WITH_PASSWORD)
def test_no_error_shows_a_password(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(text)
    assert SECRET not in f"{caught.value} {caught.value.advice}"
    assert SECRET not in redacted(text)
    assert has_password(text)


def test_no_name_shows_a_password() -> None:
    text = f"failover(smtp://ann:{SECRET}@a.example null://)"
    assert SECRET not in composed(text).name
    value = Failover([f"smtp://ann:{SECRET}@a.example", Smtp("b.example", username="bob", password=SECRET)])
    assert SECRET not in repr(value)
    assert "smtp://ann:***@a.example" in repr(value)


def test_a_port_beside_an_account_is_no_password() -> None:
    assert not has_password("failover(smtp://a.example:25 smtp://ann@b.example)")


@pytest.mark.parametrize("account", [{"username": "ann"}, {"password": "x"}, {"username": "ann", "password": "x"}])
@pytest.mark.parametrize("route", [f"failover({A} {B})", Failover([A, B])])
def test_one_account_for_several_routes_is_refused(route: Route, account: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="do not say whose they are"):
        transport_of(route, **account)


def test_the_environment_may_name_several() -> None:
    assert route_from({"POSTROAD_URL": f"failover({A} null://)"}).name == "failover(smtp://a.example:587 null://)"
    with pytest.raises(ConfigurationError, match="POSTROAD_PASSWORD: user name and password beside several"):
        route_from({"POSTROAD_URL": f"failover({A} null://)", "POSTROAD_PASSWORD": "x"})


# ── objects ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_objects_take_whatever_is_a_route() -> None:
    memory = MemoryTransport()
    route = Failover([A, Smtp("b.example"), Weighted({memory: 3, "null://": 1}), RoundRobin([memory])])
    transport = AsyncMailer(route).transport
    assert transport.name == (
        "failover(smtp://a.example:587 smtp://b.example:587 weighted(memory://=3 null://=1) roundrobin(memory://))"
    )


def test_weights_come_in_pairs_too() -> None:
    assert Weighted([("null://", 9), ("memory://", 1)]).weights == (9, 1)
    assert Weighted([("null://", 9)]) == Weighted({"null://": 9})
    assert RoundRobin(["null://", "memory://"]).weights == (1, 1)
    assert Failover(["null://"]).weights is None
    different: object = RoundRobin(["null://"])
    assert Failover(["null://"]) != different


def test_they_are_values() -> None:
    value = Weighted({A: 2, B: 1}, breaker=BreakerSettings(failures=1))
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(value) == hash(Weighted({A: 2, B: 1}, breaker=BreakerSettings(failures=1)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Failover([]), "Failover has no routes"),
        (lambda: Failover("null://"), "Failover takes a list"),
        (lambda: RoundRobin(None), "RoundRobin takes a list"),  # type: ignore[arg-type]  # the point
        (lambda: Weighted(["null://"]), "Weighted takes pairs"),  # type: ignore[list-item]  # the point
        (lambda: Weighted({"null://": 0}), "the weight 0"),
        (lambda: Weighted({"null://": True}), "the weight True"),
        (lambda: transport_of(Failover([object()])), "a object is no route"),  # type: ignore[list-item]  # the point
    ],
)
def test_wrong_objects_are_named(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make()


def test_another_loop_gets_connections_of_its_own() -> None:
    memory = MemoryTransport()
    first = transport_of(Weighted({Smtp("a.example", limits=PoolLimits(connections=2)): 2, memory: 1}))
    second = anew(first)
    assert isinstance(first, ComposedTransport)
    assert isinstance(second, ComposedTransport)
    assert second.name == first.name
    assert second is not first
    account, same = second.transports
    assert isinstance(account, SmtpTransport)
    assert account is not first.transports[0]
    assert account.settings.limits.connections == 2
    assert same is memory
    null = NullTransport()
    assert anew(null) is null


# ── any text ──────────────────────────────────────────────────────────────────────────────────────────────────────────

URLS = st.text("abc:/?=&@%.", min_size=1, max_size=12).map(lambda text: f"x://{text}")
SPACES = st.sampled_from([" ", "\n", "\t  "])


def _text(written: Written, space: str) -> str:
    weighted = written.kind == "weighted"
    members = (
        (one if isinstance(one, str) else _text(one, space)) + (f"={weight}" if weighted else "")
        for one, weight in written.members
    )
    return f"{written.kind}({space.join(members)})"


def _written(members: st.SearchStrategy[str | Written]) -> st.SearchStrategy[Written]:
    plain = st.builds(
        Written,
        st.sampled_from(["failover", "roundrobin"]),
        st.lists(st.tuples(members, st.just(1)), min_size=1, max_size=3).map(tuple),
        st.just(BreakerSettings()),
    )
    weighted = st.builds(
        Written,
        st.just("weighted"),
        st.lists(st.tuples(members, st.integers(1, 99)), min_size=1, max_size=3).map(tuple),
        st.just(BreakerSettings()),
    )
    return plain | weighted


@given(_written(URLS | _written(URLS | _written(URLS))), SPACES)
def test_what_is_written_is_read(written: Written, space: str) -> None:
    assert read_composition(_text(written, space)) == written


@given(st.text("failover()weighted :/?=1&\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        assert read_composition(f"failover({text})").members


def test_the_three_are_all() -> None:
    assert {one.kind for one in Composition.__subclasses__()} == {"failover", "roundrobin", "weighted"}
