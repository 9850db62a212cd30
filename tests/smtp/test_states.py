"""The table of states: every pair of state and verb, judged from outside the table."""

import re
from itertools import product

import pytest

from postroad.smtp import states
from postroad.smtp.states import TRANSITIONS, State, Verb, after_reply, may_accept

IN_SESSION = (State.GREETED, State.READY, State.MAIL, State.RCPT, State.CHUNKS)
ANYTIME = (Verb.RSET, Verb.NOOP, Verb.VRFY, Verb.EXPN, Verb.HELP, Verb.QUIT)

# What RFC 5321 §4.1.4, RFC 3207 §4, RFC 4954 §4, RFC 3030 §2, RFC 2033 §4 let a server run, written down a second time.
RUNNABLE = {
    (State.CONNECTED, Verb.GREETING),
    (State.SECURING, Verb.TLS),
    (State.AUTHENTICATING, Verb.AUTH_RESPONSE),
    (State.CONTENT, Verb.DOT),
    (State.READY, Verb.STARTTLS),
    (State.READY, Verb.AUTH),
    (State.READY, Verb.MAIL),
    (State.MAIL, Verb.RCPT),
    (State.RCPT, Verb.RCPT),
    (State.RCPT, Verb.DATA),
    (State.CONTENT, Verb.DOT_ONE),
    *product((State.RCPT, State.CHUNKS), (Verb.BDAT, Verb.BDAT_LAST, Verb.BDAT_LAST_ONE)),
    *product(IN_SESSION, (Verb.EHLO, Verb.HELO, Verb.LHLO)),
    *product(IN_SESSION, ANYTIME),
}


@pytest.mark.parametrize(("state", "verb"), list(product(State, Verb)), ids=lambda part: part.name)
def test_every_pair(state: State, verb: Verb) -> None:
    assert may_accept(state, verb) is ((state, verb) in RUNNABLE)
    for code in (250, 354, 451, 550):
        after = after_reply(state, verb, code)
        assert (after is None) is (code // 100 not in TRANSITIONS.get((state, verb), {}))
        if after is State.CHUNKS and code >= 400:
            assert not {Verb.MAIL, Verb.RCPT, Verb.DATA} & {one for one in Verb if may_accept(after, one)}
        elif after is not None and code >= 400:
            assert after in (state, State.READY, State.CLOSED), "a refusal never advances"
    assert after_reply(state, verb, 421) is State.CLOSED


def test_every_refused_command_is_a_row_or_nothing() -> None:
    """Rule 3: a pair that cannot be run has no row, or one of refusals, or is content without recipients."""
    for (state, verb), row in TRANSITIONS.items():
        if not may_accept(state, verb):
            assert set(row) == {4, 5} or (state is State.MAIL and verb in (Verb.DATA, Verb.BDAT, Verb.BDAT_LAST))


def test_every_state_can_be_reached_and_left() -> None:
    reached, waiting = {State.CONNECTED}, [State.CONNECTED]
    while waiting:
        state = waiting.pop()
        for (origin, _), row in TRANSITIONS.items():
            if origin is state:
                new = set(row.values()) - reached
                reached |= new
                waiting += new
    assert reached == set(State)
    for state in set(State) - {State.CLOSED}:
        assert any(origin is state and set(row.values()) - {state} for (origin, _), row in TRANSITIONS.items())
    assert not any(origin is State.CLOSED for origin, _ in TRANSITIONS)


def test_every_verb_is_of_use() -> None:
    assert {verb for _, verb in TRANSITIONS} == set(Verb)


WORDS = {"greeting": Verb.GREETING, "final dot": Verb.DOT, "TLS": Verb.TLS, "BDAT LAST": Verb.BDAT_LAST}


def test_the_picture_is_true() -> None:
    """Each labelled arrow of the docstring's picture is a positive transition of the table."""
    picture = states.__doc__ or ""
    main_line = next(line for line in picture.splitlines() if "CONNECTED" in line)
    arrows = _arrows(main_line)
    assert len(arrows) == 6
    side = [
        ("READY", "AUTH", "AUTHENTICATING"),
        ("READY", "STARTTLS", "SECURING"),
        ("SECURING", "TLS", "GREETED"),
        ("RCPT", "BDAT", "CHUNKS"),
        ("CHUNKS", "BDAT LAST", "READY"),
        ("RCPT", "BDAT LAST", "READY"),
    ]
    assert all(verb in picture for _, verb, _ in side)
    for origin, label, target in [*arrows, *side]:
        row = TRANSITIONS[State[origin], WORDS.get(label) or Verb[label]]
        assert State[target] in (row.get(2), row.get(3)), (origin, label)


def _arrows(line: str) -> list[tuple[str, str, str]]:
    words = re.split(r"\s*─(.+?)→\s*", line.strip())
    return [(words[at], words[at + 1], words[at + 2]) for at in range(0, len(words) - 2, 2)]
