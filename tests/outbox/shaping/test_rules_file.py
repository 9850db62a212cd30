"""What a file of rules may say, and how what it may not say is refused."""

import re
from datetime import date
from pathlib import Path

import pytest

from postroad.errors import ConfigurationError
from postroad.outbox.shaping.limits import NO_LIMITS, Limits, Scope
from postroad.outbox.shaping.rules import NO_RULES, Rules, Slowdown
from postroad.outbox.shaping.rules_file import MAX_SIZE, read_rules, rules_in
from postroad.outbox.shaping.warm_up import WarmUp
from postroad.reply import Phase
from postroad.transport.gcra import Rate

EVERYTHING = """
[default]
connections = 7

[site.our-partner]
domains = ["Partner.example", "bücher.example"]
exchangers = ["MX.partner.example"]
connections = 5
messages_per_connection = 50
rate = "100/min"
burst = 10
new_connections = "30/min"
new_connections_burst = 3
per_day = 20000
reference = "their letter of 3 May"

[site."big.example"]
connections = 2

[account."user@Smtp.example.com"]
rate = "10/s"

[account."smtp.gmail.com"]
per_day = "published"

[source."2001:DB8::0007"]
per_day = 1000

[domain."Slow.example"]
rate = "60/h"

[stream.bulk]
rate = "500/min"

[[reply]]
id = "partner-asks-for-a-pause"
site = "our-partner"
code = [421, 451]
enhanced = ["4.7.*", "4.3.2"]
text = 'later|slow (?:it )?down'
phase = ["greeting", "rcpt"]
example = "421 4.7.1 Slow down"
scope = "source"
after = 3
within = "1h"
for = "90min"
suspend = true

[[reply]]
id = "fewer"
code = 452
for = "15 s"
connections = 1
rate = "1/min"

[[reply]]
id = "too-fast"
off = true

[[warm_up]]
source = "203.0.113.7"
start = 2026-12-01
plan = [[1, 50], [2, 100], [8, 1000]]
last_day = 14

[[warm_up]]
sender = "News.example"
start = 2026-12-24
plan = [[1, 10]]
"""


def read(text: str) -> Rules:
    return rules_in(text.encode(), "own.toml")


def test_everything_that_may_be_said() -> None:
    rules = read(EVERYTHING)
    assert rules.default == rules.own_default == Limits(connections=7)
    site = rules.sites["our-partner"]
    assert site.domains == {"partner.example", "xn--bcher-kva.example"}
    assert (site.exchangers, site.own, site.reference) == (("mx.partner.example",), True, "their letter of 3 May")
    assert site.limits == Limits(5, 50, Rate(30, 60, 3), Rate(100, 60, 10), 20000)
    assert rules.sites["big.example"].limits == Limits(connections=2)
    assert rules.accounts == {
        "user@smtp.example.com": Limits(rate=Rate(10)),
        "smtp.gmail.com": Limits(per_day=500),
    }
    assert rules.sources == {"2001:db8::7": Limits(per_day=1000)}
    assert rules.domains == {"slow.example": Limits(rate=Rate(60, 3600))}
    assert rules.streams == {"bulk": Limits(rate=Rate(500, 60))}
    assert rules.without == {"too-fast"}
    assert rules.warm_ups == (
        WarmUp(Scope.SOURCE, "203.0.113.7", date(2026, 12, 1), ((1, 50), (2, 100), (8, 1000)), 14),
        WarmUp(Scope.SENDER, "news.example", date(2026, 12, 24), ((1, 10),)),
    )


def test_reply_rules() -> None:
    pause, fewer = read(EVERYTHING).replies
    assert (pause.id, pause.site) == ("partner-asks-for-a-pause", "our-partner")
    assert pause.codes == {421, 451}
    assert pause.enhanced == ("4.7.*", "4.3.2")
    assert pause.text is not None
    assert pause.text.found_in("please SLOW it down")
    assert pause.phases == {Phase.GREETING, Phase.RCPT}
    assert pause.scope is Scope.SOURCE
    assert pause.action == Slowdown(5400, NO_LIMITS, suspend=True, after=3, within=3600)
    assert fewer.action == Slowdown(15, Limits(connections=1, rate=Rate(1, 60)))


def test_an_empty_file_says_nothing() -> None:
    assert read("# nothing yet\n") == NO_RULES
    assert rules_in("\ufeff[default]\nconnections = 1\n".encode(), "x").default == Limits(connections=1)


REPLY = '[[reply]]\nid = "x"\ncode = 421\nfor = "1h"\nsuspend = true\n'
PLAN = '[[warm_up]]\nsource = "192.0.2.1"\nstart = 2026-12-01\n'

# What is wrong; what the error names; a part of its advice.
REFUSED = {
    "no TOML": ("[default\n", "it is not TOML", "toml.io"),
    "a key twice": ("[default]\nrate = '1/s'\nrate = '2/s'\n", "it is not TOML", "toml.io"),
    "an unknown table": ("[sites.google]\nconnections = 1\n", "sites: it is not known", "Did you mean site"),
    "an unknown key": ("[site.google]\nconections = 1\n", "[site.google] conections", "Did you mean connections"),
    "a name with dots, bare": ("[site.example.com]\nconnections = 1\n", "[site.example] com", '[site."example.com"]'),
    "no table": ("site = 1\n", "[site]: it is no table", "Write it as a table"),
    "no table for a name": ("[site]\ngoogle = 5\n", "[site.google]: it is no table", "on a line of its own"),
    "an array of sites": ("[[site]]\nname = 'x'\n", "[site]: it is no table", "Write it as a table"),
    "one reply": ("[reply]\nid = 'x'\n", "reply: it is one table", "[[reply]]"),
    "a table without limits": ("[default]\n", "[default]: it says nothing", "connections = 5"),
    "a site without anything": ("[site.x]\n", "[site.x]: it says nothing", "domains"),
    "zero": ("[default]\nconnections = 0\n", "[default] connections: 0 is no number from 1", "connections = 5"),
    "a number in quotes": ("[default]\nconnections = '5'\n", "[default] connections: '5'", "Write it bare"),
    "true as a number": ("[default]\nconnections = true\n", "[default] connections: True", "Write it bare"),
    "a rate in words": ("[default]\nrate = '100 per minute'\n", "[default] rate: '100 per minute'", "100/min"),
    "a bare rate": ("[default]\nrate = 100\n", "[default] rate: 100 is no rate", "100/min"),
    "a burst alone": ("[default]\nburst = 5\n", "[default] burst: it belongs to rate", 'rate = "100/min"'),
    "a site in capitals": ("[site.Google]\nconnections = 1\n", "[site] Google", "in quotes"),
    "a domain that is none": ("[site.x]\ndomains = ['a b']\n", "[site.x] domains: 'a b' is no domain", "example.com"),
    "no list of domains": ("[site.x]\ndomains = 5\n", "[site.x] domains: 5", 'domains = ["…", "…"]'),
    "an empty list": ("[site.x]\ndomains = []\n", "[site.x] domains: []", "domains ="),
    "an exchanger with a star": ("[site.x]\nexchangers = ['*.a.example']\n", "[site.x] exchangers", "example.com"),
    "a source that is none": ("[source.here]\nrate = '1/s'\n", "[source] here: 'here' is no IP address", "in quotes"),
    "a source twice": (
        '[source."2001:db8::1"]\nrate = "1/s"\n[source."2001:DB8::01"]\nrate = "1/s"\n',
        "2001:db8::1 is there twice", "one table",
    ),
    "an account without a host": ('[account."user@"]\nrate = "1/s"\n', "[account] user@", "in quotes"),
    "a stream of no name": ('[stream."a b"]\nrate = "1/s"\n', "[stream] a b", "in quotes"),
    "published by nobody": (
        '[account."smtp.example.com"]\nper_day = "published"\n', "per_day: what is published", "per_day = 500",
    ),
    "published of a site": ("[site.x]\nper_day = 'published'\n", "[site.x] per_day", "per_day = 5"),
    "a reply without id": ('[[reply]]\ncode = 421\nfor = "1h"\nhalve = true\n', "[[reply]] 1 id", "id ="),
    "an id twice": (REPLY + REPLY, "[[reply]] x id: 'x' is there twice", "of its own"),
    "about every reply": ('[[reply]]\nid = "x"\nfor = "1h"\nhalve = true\n', "it is about every reply", "code ="),
    "a code that slows nobody": (REPLY.replace("421", "250"), "[[reply]] x code", "code = 421"),
    "an enhanced code in part": (REPLY + 'enhanced = "4.7"\n', "[[reply]] x enhanced: '4.7'", "4.7.*"),
    "an open expression": (REPLY + "text = 'too (many'\n", "[[reply]] x text: a ( without its )", "single quotes"),
    "a slow expression": (REPLY + "text = '(a+)+$'\n", "[[reply]] x text: a repetition", "single quotes"),
    "two stars": (REPLY + "text = 'a.*b.*c'\n", "[[reply]] x text: too many ways", "single quotes"),
    "a step that is none": (REPLY + "phase = 'helo'\n", "[[reply]] x phase: 'helo' is no step", "greeting"),
    "a scope that is none": (REPLY + "scope = 'stream'\n", "[[reply]] x scope: 'stream'", "site, account, source"),
    "no duration": (REPLY.replace('for = "1h"\n', ""), "[[reply]] x for: it is missing", 'for = "30min"'),
    "a duration without unit": (REPLY.replace('"1h"', "90"), "[[reply]] x for: 90", '"90min"'),
    "a duration in two units": (REPLY.replace("1h", "1h30min"), "[[reply]] x for: '1h30min'", '"90min"'),
    "a duration of months": (REPLY.replace("1h", "31d"), "[[reply]] x for: '31d'", "up to 30 days"),
    "nothing that follows": (REPLY.replace("suspend = true\n", ""), "[[reply]] x: it says not exactly one", "halve"),
    "two that follow": (REPLY + "halve = true\n", "[[reply]] x: it says not exactly one", "halve"),
    "both rest and limits": (REPLY + "connections = 1\n", "[[reply]] x: it says not exactly one", "halve"),
    "false": (REPLY.replace("true", "false"), "[[reply]] x suspend: False is not true", "leave it out"),
    "a day's count of a slowdown": (REPLY + "per_day = 5\n", "[[reply]] x per_day: it is not known", "Known here"),
    "an example without code": (REPLY + "example = 'Too many'\n", "[[reply]] x example: 'Too many'", "421 4.7.0"),
    "a rule that is off and goes on": (REPLY + "off = true\n", "[[reply]] x code: it is not known", "Known here"),
    "a plan for nobody": ("[[warm_up]]\nstart = 2026-12-01\nplan = [[1, 5]]\n", "[[warm_up]] 1 source", "203.0.113.7"),
    "a plan for both": (PLAN + "sender = 'a.example'\nplan = [[1, 5]]\n", "[[warm_up]] 1 source", "203.0.113.7"),
    "a start in quotes": (PLAN.replace("2026-12-01", "'2026-12-01'"), "[[warm_up]] 1 start", "start = 2026-12-01"),
    "a start by the clock": (PLAN.replace("2026-12-01", "2026-12-01T00:00:00Z"), "[[warm_up]] 1 start", "start = 2026"),
    "no plan": (PLAN, "[[warm_up]] 1 plan: it is missing", "[[1, 50], [2, 100]"),
    "a plan without pairs": (PLAN + "plan = [1, 2]\n", "[[warm_up]] 1 plan", "[[1, 50]"),
    "a plan that falls": (PLAN + "plan = [[1, 50], [2, 20]]\n", "[[warm_up]] 1: warm-up of 192.0.2.1", "rise"),
    "a text with a control": ('[site.x]\nreference = "a\\u0007"\n', "[site.x] reference", "printable"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "named", "advice"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_understood_is_refused(text: str, named: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert caught.value.message.startswith("own.toml: ")
    assert named in caught.value.message
    assert advice in (caught.value.advice or "")


def test_an_expression_that_python_does_not_take_is_refused_when_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(REPLY + "text = '[z-a]'\n")
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}: [[reply]] x text: not a regular expression")):
        read_rules(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(ConfigurationError, match=re.escape(str(path))):
            read_rules(path)
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        rules_in(b"\xff\xfe", "x")
    with pytest.raises(ConfigurationError, match="larger than"):
        rules_in(b"#" * (MAX_SIZE + 1), "x")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ('account."bob@smtp.example.com:587"', "leave it out"),
        ('account."@smtp.example.com"', "no user before the @"),
        ('domain."1.2.3.4"', "the address of a host"),
        ('source."0.0.0.0"', "no address that mail is sent from"),
        ('source."::ffff:203.0.113.7"', "no address that mail is sent from"),
    ],
)
def test_names_that_nothing_ever_has_are_refused(key: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(f"[{key}]\nconnections = 1\n")
    assert said in caught.value.message
