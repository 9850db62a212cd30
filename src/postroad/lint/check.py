"""All rules over one message."""

from typing import Final

from postroad.lint import (
    bulk_fields,
    client_support,
    content,
    deception,
    encoding,
    foreign_from,
    identity,
    one_click,
    return_path,
    structure,
    visible_unsubscribe,
)
from postroad.lint.finding import Finding
from postroad.lint.message import Kind, linted
from postroad.lint.rule import Rule

RULES: Final[tuple[Rule, ...]] = (
    identity.RULE,
    structure.RULE,
    encoding.RULE,
    one_click.RULE,
    visible_unsubscribe.RULE,
    bulk_fields.RULE,
    return_path.RULE,
    foreign_from.RULE,
    content.RULE,
    deception.RULE,
    client_support.RULE,
)


def check_message(octets: bytes, kind: Kind | None = None) -> tuple[Finding, ...]:
    """A finding for each rule, in their order. Any bytes are looked at; it never raises.

    ``kind`` says what sort of mail it is; without one, fields that only mail to many has decide.
    """
    message = linted(octets, kind)
    return tuple(rule.apply(message) for rule in RULES)
