"""Rules that look right and do nothing are found."""

import pytest

from postroad.outbox.shaping.finding import Level
from postroad.outbox.shaping.in_force import shipped_rules
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.rules_lint import findings_of

END = 'for = "1h"\nsuspend = true\n'


def reply(text: str, id_: str = "x", end: str = END) -> str:
    return f'[[reply]]\nid = "{id_}"\n{text}\n{end}'


BROAD, NARROW = reply("code = [421, 451]\ntext = 'too many'", "broad"), "code = 421\ntext = 'too many connections'"

# What is written; how bad it is; where; what is said of it.
FOUND = {
    "a domain in two sites": (
        '[site.a]\ndomains = ["a.example"]\n[site.b]\ndomains = ["a.example", "b.example"]\n',
        Level.ERROR, "[site.a]", "a.example is in 2 sites: a, b",
    ),
    "an exchanger in two sites": (
        '[site.a]\nexchangers = ["a.example"]\n[site.b]\nexchangers = ["a.example"]\n',
        Level.ERROR, "[site.a]", "the exchanger a.example is in 2 sites",
    ),
    "a site of nobody": ("[site.gmail]\nconnections = 1\n", Level.ERROR, "[site.gmail]", "no domains"),
    "a domain of another site": (
        '[site."gmail.com"]\nconnections = 1\n', Level.ERROR, '[site."gmail.com"]', "goes to the site google",
    ),
    "a rule for a site that is none": (reply('code = 421\nsite = "gmail"'), Level.ERROR, "[[reply]] x", "no site"),
    "a rule for a domain of a site": (
        reply('code = 421\nsite = "gmail.com"'), Level.ERROR, "[[reply]] x", "goes to the site google",
    ),
    "421 with class 5": (reply('code = 421\nenhanced = "5.7.1"'), Level.ERROR, "[[reply]] x", "5.7.1 never comes"),
    "one of two with class 5": (
        reply('code = 421\nenhanced = ["4.7.0", "5.7.1"]'), Level.WARN, "[[reply]] x", "5.7.1 never comes",
    ),
    "at the connection": (reply('code = 421\nphase = "connect"'), Level.ERROR, "[[reply]] x", "heard at connect"),
    "450 unasked": (reply('code = 450\nphase = "idle"'), Level.ERROR, "[[reply]] x", "heard at idle"),
    "535 to a recipient": (
        reply('code = 535\nphase = ["auth", "rcpt"]'), Level.WARN, "[[reply]] x", "heard at rcpt",
    ),
    "a line break": (reply(r"text = 'a\nb'"), Level.ERROR, "[[reply]] x", "line break"),
    "the code in the text": (reply("text = '^421 too many'"), Level.ERROR, "[[reply]] x", "reply code is not part"),
    "the enhanced code in the text": (
        reply(r"text = '4\.7\.0 too many'"), Level.WARN, "[[reply]] x", "enhanced status code is not part",
    ),
    "an example of something else": (
        reply('code = 421\nexample = "451 no"'), Level.ERROR, "[[reply]] x", "its example is not what it is about",
    ),
    "an example taken by another": (
        reply("text = 'too m.{1,3}y'", "first") + reply('text = "too many"\nexample = "421 too many"'),
        Level.ERROR, "[[reply]] x", "taken by first",
    ),
    "behind a broader one": (BROAD + reply(NARROW), Level.ERROR, "[[reply]] x", "broad, which comes before it"),
    "behind one for any site": (
        BROAD + reply(f'{NARROW}\nsite = "google"'), Level.ERROR, "[[reply]] x", "broad, which comes before it",
    ),
    "behind a wildcard": (
        reply('enhanced = "4.7.*"', "broad") + reply('enhanced = ["4.7.28", "4.7.0"]'),
        Level.ERROR, "[[reply]] x", "broad, which comes before it",
    ),
    "slower than it is": (
        reply('code = 421\nsite = "google"', end='for = "1h"\nconnections = 9\n'),
        Level.WARN, "[[reply]] x", "slows nothing down",
    ),
    "a window for one": (reply('code = 421\nwithin = "5min"'), Level.WARN, "[[reply]] x", "within counts nothing"),
    "off, what is not there": ('[[reply]]\nid = "x"\noff = true\n', Level.ERROR, "[[reply]] x", "no shipped rule"),
    "connections of a stream": (
        '[stream.bulk]\nnew_connections = "1/s"\n', Level.WARN, "[stream.bulk]", "new_connections: without effect",
    ),
    "connections of a domain": (
        '[domain."a.example"]\nmessages_per_connection = 5\n',
        Level.WARN, '[domain."a.example"]', "messages_per_connection: without effect",
    ),
    "connections of a site": (
        "[site.google]\nmessages_per_connection = 5\n", Level.NOTE, "[site.google]", "only where the worker connects",
    ),
    "more than is published": (
        '[account."smtp.office365.com"]\nconnections = 5\n',
        Level.WARN, '[account."smtp.office365.com"]', "publishes 3",
    ),
    "two plans": (
        '[[warm_up]]\nsource = "192.0.2.1"\nstart = 2026-12-01\nplan = [[1, 5]]\n' * 2,
        Level.ERROR, "[[warm_up]]", "2 plans for the source 192.0.2.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "level", "place", "said"), FOUND.values(), ids=FOUND)
def test_it_is_found(text: str, level: Level, place: str, said: str) -> None:
    (finding,) = findings_of(rules_in(text.encode(), "own.toml"), shipped_rules())
    assert (finding.level, finding.place) == (level, place)
    assert said in finding.problem
    assert finding.advice


FINE = {
    "narrow before broad": reply(NARROW) + BROAD,
    "another code": BROAD + reply("code = 452\ntext = 'too many connections'"),
    "another site": reply('code = 421\nsite = "google"', "broad") + reply('code = 421\nsite = "yahoo"'),
    "another step": reply('code = 421\nphase = "rcpt"', "broad") + reply("code = 421"),
    "a domain as a site": '[site."big.example"]\nconnections = 1\n' + reply('code = 421\nsite = "other.example"'),
    "421 unasked": reply('code = 421\nphase = "idle"'),
    "4 or 5": reply('code = [421, 554]\nenhanced = ["4.7.0", "5.7.1"]'),
    "a backslash before n": reply(r"text = 'a\\\\nb'"),
    "off, what is there": '[[reply]]\nid = "too-fast"\noff = true\n',
    "in the place of a shipped one": reply("code = 421", "too-fast"),
    "lower": reply('code = 421\nsite = "google"', end='for = "1h"\nconnections = 2\n'),
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_nothing_is_found_where_all_is_well(text: str) -> None:
    assert findings_of(rules_in(text.encode(), "own.toml"), shipped_rules()) == ()


def test_errors_come_first() -> None:
    text = "[site.google]\nnew_connections = '1/s'\n" + reply('code = 421\nwithin = "5min"') + reply("code = 421", "y")
    found = findings_of(rules_in(text.encode(), "own.toml"), shipped_rules())
    assert [one.level for one in found] == [Level.ERROR, Level.WARN, Level.NOTE]
