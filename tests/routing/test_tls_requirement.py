"""What a connection has to be like: every say in it, in a table."""

import pytest

from postroad.lookup import Tlsa
from postroad.routing.dane import Associations, Finding
from postroad.routing.mta_sts import Mode, Policy
from postroad.routing.tls_requirement import Level, PolicyType, Wish, tls_requirement

HOST = "mx.acme.example"
RECORDS = (Tlsa(3, 1, 1, bytes(32)),)
ABSENT = Associations(Finding.ABSENT, HOST)
USABLE = Associations(Finding.USABLE, HOST, RECORDS)
UNUSABLE = Associations(Finding.UNUSABLE, HOST)
UNKNOWN = Associations(Finding.UNKNOWN, HOST, reason="TLSA: timeout")


def sts(mode: Mode, mx: str = HOST) -> Policy:
    return Policy(mode, 86_400, (mx,))


@pytest.mark.parametrize(
    ("dane", "policy", "wish", "level", "whose", "enforced"),
    [
        (ABSENT, None, Wish.NOTHING, Level.OPPORTUNISTIC, PolicyType.NONE, False),
        (ABSENT, sts(Mode.NONE), Wish.NOTHING, Level.OPPORTUNISTIC, PolicyType.NONE, False),
        (ABSENT, sts(Mode.ENFORCE), Wish.NOTHING, Level.AUTHORITY, PolicyType.STS, True),
        (ABSENT, sts(Mode.TESTING), Wish.NOTHING, Level.AUTHORITY, PolicyType.STS, False),
        (ABSENT, sts(Mode.ENFORCE, "other.example"), Wish.NOTHING, Level.REFUSED, PolicyType.STS, True),
        (ABSENT, sts(Mode.TESTING, "other.example"), Wish.NOTHING, Level.REFUSED, PolicyType.STS, False),
        (USABLE, None, Wish.NOTHING, Level.DANE, PolicyType.TLSA, True),
        (USABLE, sts(Mode.ENFORCE, "other.example"), Wish.NOTHING, Level.DANE, PolicyType.TLSA, True),
        (UNUSABLE, None, Wish.NOTHING, Level.ENCRYPTED, PolicyType.TLSA, True),
        (UNUSABLE, sts(Mode.TESTING), Wish.NOTHING, Level.ENCRYPTED, PolicyType.TLSA, True),
        (UNUSABLE, sts(Mode.ENFORCE), Wish.NOTHING, Level.AUTHORITY, PolicyType.STS, True),
        (UNKNOWN, sts(Mode.ENFORCE), Wish.NOTHING, Level.REFUSED, PolicyType.TLSA, True),
        (ABSENT, None, Wish.VERIFIED, Level.AUTHORITY, PolicyType.NONE, True),
        (ABSENT, sts(Mode.TESTING), Wish.VERIFIED, Level.AUTHORITY, PolicyType.NONE, True),
        (ABSENT, sts(Mode.ENFORCE), Wish.VERIFIED, Level.AUTHORITY, PolicyType.STS, True),
        (UNUSABLE, None, Wish.VERIFIED, Level.AUTHORITY, PolicyType.NONE, True),
        (USABLE, None, Wish.VERIFIED, Level.DANE, PolicyType.TLSA, True),
        (UNKNOWN, None, Wish.VERIFIED, Level.REFUSED, PolicyType.TLSA, True),
    ],
)
def test_who_has_the_say(
    dane: Associations, policy: Policy | None, wish: Wish, level: Level, whose: PolicyType, enforced: bool
) -> None:
    requirement = tls_requirement(HOST, dane, policy, wish)
    assert (requirement.level, requirement.policy, requirement.enforced) == (level, whose, enforced)
    assert requirement.reason
    assert requirement.associations == (RECORDS if level is Level.DANE else ())
