"""``postroad outbox limits show``."""

from pathlib import Path

import click

from postroad.cli.limits_table import say_limits, say_reply_rules, say_site
from postroad.cli.output import Form, form_options, say_json
from postroad.errors import NotFound
from postroad.outbox.destination import site_of
from postroad.outbox.shaping.in_force import rules_of
from postroad.outbox.shaping.rules import ReplyRule, Rules, Site
from postroad.outbox.shaping.rules_as_dict import reply_rule_as_dict, rules_as_dict, site_as_dict


@click.command()
@click.option("--limits", metavar="FILE", type=click.Path(path_type=Path), help="Own rules, as a worker is given them.")
@click.option("--site", metavar="NAME", help="One site, by its name or one of its domains.")
@form_options
def show(form: Form, limits: Path | None, site: str | None) -> None:
    """Show the limits and reply rules in force, shipped ones included.

    What a worker has learnt from replies comes on top.
    """
    rules = rules_of(limits)
    if site is None:
        _show_all(form, rules)
    else:
        _show_site(form, rules, _found(site, rules))


def _show_all(form: Form, rules: Rules) -> None:
    if form is Form.TEXT:
        say_limits(rules)
        say_reply_rules(rules.replies)
    else:
        say_json(rules_as_dict(rules), form)


def _show_site(form: Form, rules: Rules, site: Site) -> None:
    replies = _rules_for(site, rules)
    if form is Form.TEXT:
        say_site(site, rules)
        say_reply_rules(replies)
    else:
        document = {"site": site.name, **site_as_dict(site, rules)}
        say_json({**document, "replies": [reply_rule_as_dict(rule) for rule in replies]}, form)


def _found(name: str, rules: Rules) -> Site:
    """The site of this name or domain; a domain that belongs to none is one by itself."""
    known = rules.sites.get(name) or rules.sites.get(site_of(name, rules))
    if known is None and "." not in name:
        advice = "`postroad outbox limits show` lists the sites; a domain is a site, too."
        raise NotFound(f"there is no site {name!a}", advice=advice)
    return known or Site(site_of(name, rules), own=False)


def _rules_for(site: Site, rules: Rules) -> tuple[ReplyRule, ...]:
    return tuple(rule for rule in rules.replies if rule.site in (None, site.name))
