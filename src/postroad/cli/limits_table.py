"""Limits and reply rules as tables."""

from collections.abc import Iterable, Iterator

from postroad.cli.deliveries import span
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import say
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.rules import ReplyRule, Rules, Site, Slowdown
from postroad.outbox.shaping.warm_up import WarmUp
from postroad.terminal_text import one_line


def say_limits(rules: Rules, only: Rules | None = None) -> None:
    """Print what holds for whom; with ``only``, of that which these rules speak of."""
    columns = (Column("for"), Column("limits"), Column("through a relay"), Column("from"))
    rows = [*_site_rows(rules, only or rules), *_other_rows(rules, only or rules)]
    say_table(columns, rows)
    for plan in rules.warm_ups:
        say(_plan(plan))


def say_site(site: Site, rules: Rules) -> None:
    """Print what is known of a site."""
    say_table((Column("for"), Column("limits"), Column("through a relay"), Column("from")), [_site_row(site, rules)])
    for what, names in (("domains", sorted(site.domains)), ("exchangers", site.exchangers), ("", (site.reference,))):
        if any(names):
            say(one_line(f"{what}: {', '.join(names)}" if what else f"see {site.reference}"))


def say_reply_rules(replies: Iterable[ReplyRule]) -> None:
    """Print which replies bring about what; the first that matches has its way."""
    rows = [(rule.id, rule.site or "any", conditions(rule), consequence(rule.action)) for rule in replies]
    if rows:
        say_table((Column("reply rule"), Column("site"), Column("replies"), Column("then")), rows)


def conditions(rule: ReplyRule) -> str:
    """Which replies a rule is about, in a line."""
    said = [" or ".join(map(str, sorted(rule.codes))), " or ".join(rule.enhanced)]
    said += [f"/{rule.text.source}/" if rule.text else ""]
    said += [f"at {', '.join(sorted(phase.value for phase in rule.phases))}" if rule.phases else ""]
    return " ".join(one for one in said if one)


def consequence(action: Slowdown) -> str:
    """What follows, in a line."""
    what = "nothing goes" if action.suspend else "half the connections" if action.halve else str(action.limits)
    when = f" after {action.after} in {span(action.within)}" if action.after > 1 else ""
    return f"{what} for {span(action.seconds)}{when}"


def _site_rows(rules: Rules, only: Rules) -> Iterator[Row]:
    yield ("any site", str(rules.default), str(rules.own_default), "own" if rules.own_default else "shipped")
    for name in only.sites:
        yield _site_row(rules.sites[name], rules)


def _site_row(site: Site, rules: Rules) -> Row:
    limits = (rules.of_site(site.name, direct=direct) for direct in (True, False))
    return (f"site {site.name}", *map(str, limits), Cell("own", colour="bold") if site.own else "shipped")


def _other_rows(rules: Rules, only: Rules) -> Iterator[Row]:
    kinds: tuple[tuple[str, Iterable[str], dict[str, Limits]], ...] = (
        ("account", only.accounts, dict(rules.accounts)),
        ("source", only.sources, dict(rules.sources)),
        ("domain", only.domains, dict(rules.domains)),
        ("stream", only.streams, dict(rules.streams)),
    )
    for kind, keys, limits in kinds:
        for key in keys:
            yield (f"{kind} {key}", str(limits[key]), str(limits[key]), "")


def _plan(plan: WarmUp) -> str:
    steps = ", ".join(f"{ceiling} from day {day}" for day, ceiling in plan.steps)
    last = plan.last_day or plan.steps[-1][0]
    return one_line(f"Warm-up of the {plan.scope} {plan.key} from {plan.start}: {steps}; over after day {last}.")
