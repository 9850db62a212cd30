"""Reads own rules from a file in TOML: limits, reply rules and warm-up plans. docs/limits.md describes the form.

Strict: what is not understood is refused, because a limit that silently does not hold is worse than none.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Final

from postroad.address import Address
from postroad.errors import AddressError, ConfigurationError
from postroad.net.host_name import as_address
from postroad.outbox.shaping.limits import NO_LIMITS, Limits, Scope
from postroad.outbox.shaping.reply_rule_table import PATTERN_ADVICE, reply_rule
from postroad.outbox.shaping.rules import ReplyRule, Rules, Site
from postroad.outbox.shaping.rules_table import Table
from postroad.outbox.shaping.warm_up import WarmUp
from postroad.outbox.stream import Stream
from postroad.transport.presets import preset_for

MAX_SIZE: Final = 1_000_000  # octets; ten thousand reply rules
PUBLISHED: Final = "published"  # per_day of an account: what its provider publishes
_SITE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")
_WITH_PORT: Final = re.compile(r"[^:]+:[0-9]+")
_EXCHANGER: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}")


def read_rules(path: Path) -> Rules:
    """The rules of a file, alone: nothing that is shipped.

    Raises:
        ConfigurationError: it cannot be read, or something in it is not as it should be; file, table and key are named.
    """
    try:
        content = path.read_bytes()
    except OSError as fault:
        advice = "Name a file of rules that can be read."
        raise ConfigurationError(f"{path}: {fault.strerror}", setting=str(path), advice=advice) from fault
    rules = rules_in(content, str(path))
    for rule in rules.replies:
        _compile(rule, str(path))
    return rules


def _compile(rule: ReplyRule, file: str) -> None:
    try:
        if rule.text is not None:
            rule.text.compile()
    except ValueError as fault:
        raise Table(file, f"[[reply]] {rule.id}", {}).fault("text", f"{fault}", PATTERN_ADVICE) from fault


def rules_in(content: bytes, file: str) -> Rules:
    """The rules of a file with this content, what is looked for in replies not compiled yet.

    ``file`` is what errors call it.

    Raises:
        ConfigurationError: something in it is not as it should be.
    """
    top = Table(file, "", _parsed(content, file))
    replies, without = _replies(top)
    own_default = _limits(top.table("default", "[default]")) if top.has("default") else NO_LIMITS
    rules = Rules(
        sites=MappingProxyType({name: _site(name, each) for name, each in _named(top, "site", _site_name).items()}),
        default=own_default,
        accounts=_by_key(top, "account", _account_key, _account_limits),
        sources=_by_key(top, "source", _source_key, _limits),
        domains=_by_key(top, "domain", _recipients_key, _limits),
        streams=_by_key(top, "stream", _stream_key, _limits),
        replies=replies,
        warm_ups=tuple(_warm_up(each) for each in top.tables("warm_up")),
        own_default=own_default,
        without=without,
    )
    top.finish()
    return rules


def _parsed(content: bytes, file: str) -> Mapping[str, object]:
    if len(content) > MAX_SIZE:
        raise ConfigurationError(f"{file}: it is larger than {MAX_SIZE} octets", setting=file)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise ConfigurationError(f"{file}: it is not UTF-8 text", setting=file, advice="Save it as UTF-8.") from fault
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        advice = 'Correct it as TOML (https://toml.io): texts stand in "quotes", tables in [brackets].'
        raise ConfigurationError(f"{file}: it is not TOML: {fault}", setting=file, advice=advice) from fault


# ── tables by name ────────────────────────────────────────────────────────────────────────────────────────────────────


def _named(top: Table, kind: str, name_of: Callable[[str], str]) -> dict[str, Table]:
    """The tables ``[kind.NAME]`` by their names, as ``name_of`` writes them; it raises ValueError."""
    if not top.has(kind):
        return {}
    tables: dict[str, Table] = {}
    outer = top.table(kind, f"[{kind}]")
    for key in outer.names():
        place = f"[{kind}.{quoted(key)}]"
        try:
            name = name_of(key)
        except ValueError as fault:
            raise outer.fault(key, f"{fault}", f'Write [{kind}."NAME"], the name in quotes if it has dots.') from fault
        if name in tables:
            raise outer.fault(key, f"{name} is there twice", "Write one table for it.")
        tables[name] = outer.table(key, place)
    return tables


def _by_key(
    top: Table, kind: str, name_of: Callable[[str], str], read: Callable[[Table, str], Limits]
) -> Mapping[str, Limits]:
    found = _named(top, kind, name_of)
    return MappingProxyType({name: read(table, name) for name, table in found.items()})


def quoted(name: str) -> str:
    """A key as it stands in a file: in quotes where it must be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _site_name(name: str) -> str:
    if not _SITE_NAME.fullmatch(name):
        raise ValueError("a site's name is lower-case letters, digits, dots, hyphens and underscores")
    return name


def _domain_key(name: str) -> str:
    try:
        return Address(f"postmaster@{name}").domain
    except AddressError as fault:
        raise ValueError(f"{name!a} is no domain such as example.com") from fault


def _recipients_key(name: str) -> str:
    if as_address(name) is not None:
        raise ValueError(f"{name!a} is the address of a host; limits of a domain are for recipients of that domain")
    return _domain_key(name)


def _source_key(name: str) -> str:
    try:
        address = ip_address(name)
    except ValueError as fault:
        raise ValueError(f"{name!a} is no IP address such as 203.0.113.7 or 2001:db8::7") from fault
    if address.is_unspecified or getattr(address, "ipv4_mapped", None) is not None:
        raise ValueError(f"{name!a} is no address that mail is sent from; write the machine's own")
    return str(address)


def _account_key(name: str) -> str:
    user, at, host = name.rpartition("@")
    if at and not user:
        raise ValueError(f"{name!a} has no user before the @; {host!a} is for all accounts there")
    if _WITH_PORT.fullmatch(host):
        raise ValueError(f"{name!a} has a port; leave it out, the limits hold for all ports of a host together")
    return f"{user}{at}{_domain_key(host)}"


def _stream_key(name: str) -> str:
    try:
        return Stream(name).name
    except ConfigurationError as fault:
        raise ValueError(fault.message) from fault


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _limits(table: Table, _name: str = "") -> Limits:
    return _some(table, table.limits(table.integer("per_day")))


def _account_limits(table: Table, name: str) -> Limits:
    if not table.says("per_day", PUBLISHED):
        return _limits(table)
    preset = preset_for(name.rpartition("@")[2])
    if preset is None or preset.daily is None:
        advice = "Write the number that your provider gives for your account: per_day = 500."
        raise table.fault("per_day", "what is published for this host is not known", advice)
    return _some(table, table.limits(preset.daily))


def _some(table: Table, limits: Limits) -> Limits:
    table.finish()
    if not limits:
        raise table.fault("", "it says nothing", 'Give a limit, such as connections = 5 or rate = "100/min".')
    return limits


# ── sites ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _site(name: str, table: Table) -> Site:
    domains = frozenset(_checked(table, "domains", each, _domain_key) for each in table.texts("domains"))
    exchangers = tuple(_checked(table, "exchangers", each, _exchanger) for each in table.texts("exchangers"))
    limits = table.limits(table.integer("per_day"))
    site = Site(name, domains, exchangers, limits, own=True, reference=table.text("reference"))
    table.finish()
    if not (domains or exchangers or limits):
        raise table.fault("", "it says nothing", "Give domains, exchangers or limits.")
    return site


def _checked(table: Table, key: str, value: str, read: Callable[[str], str]) -> str:
    try:
        return read(value)
    except ValueError as fault:
        raise table.fault(key, f"{fault}", f'Write {key} = ["example.com", "example.net"].') from fault


def _exchanger(name: str) -> str:
    if not _EXCHANGER.fullmatch(name.lower()):
        raise ValueError(f"{name!a} is no host name; it stands for itself and all below it, without * or leading dot")
    return name.lower()


# ── replies and warm-up ───────────────────────────────────────────────────────────────────────────────────────────────


def _replies(top: Table) -> tuple[tuple[ReplyRule, ...], frozenset[str]]:
    rules: dict[str, ReplyRule] = {}
    off: set[str] = set()
    for table in top.tables("reply"):
        id_ = _reply_id(table)
        if id_ in rules or id_ in off:
            raise table.fault("id", f"{id_!a} is there twice", "Give every reply rule an id of its own.")
        if table.flag("off"):
            table.finish()
            off.add(id_)
        else:
            rules[id_] = reply_rule(id_, table)
    return tuple(rules.values()), frozenset(off)


def _reply_id(table: Table) -> str:
    id_ = table.text("id")
    if not _SITE_NAME.fullmatch(id_):
        advice = 'Name the rule in lower-case letters, digits and hyphens: id = "google-too-fast".'
        raise table.fault("id", f"{id_!a} is no name" if id_ else "it is missing", advice)
    table.place = f"[[reply]] {id_}"
    return id_


def _warm_up(table: Table) -> WarmUp:
    source, sender = table.text("source"), table.text("sender")
    if bool(source) is bool(sender):
        raise table.fault("source", "a plan is for one source or one sender", 'Write source = "203.0.113.7".')
    scope, key = (Scope.SOURCE, source) if source else (Scope.SENDER, sender)
    key = _checked(table, scope.value, key, _source_key if source else _domain_key)
    start = table.day("start")
    if start is None:
        raise table.fault("start", "it is missing", "Write the first day: start = 2026-12-01.")
    steps, last_day = table.pairs("plan"), table.integer("last_day", default=0)
    table.finish()
    try:
        return WarmUp(scope, key, start, steps, last_day)
    except ConfigurationError as fault:
        raise table.explained(fault, "Write plan = [[1, 50], [2, 100], [5, 500]]; days and ceilings rise.") from fault
