"""The states of an SMTP session, for both sides.

Rules of this file:

1. It does not know which side we play. The server asks ``may_accept`` before it runs a command and follows
   ``after_reply`` when it answers; the client follows ``after_reply`` when the answer arrives.
2. Everything that changes a session's state is in the table. A pair of state and verb that is not in the table
   cannot be: the server answers 503, the client does not send it. A class of reply that is not in a row is a breach.
3. A row that holds only 4 and 5 stands for a command that was out of order: a pipelining client may have sent it
   before it knew (RFC 2920 §3.1), a server refuses it.

The picture (positive replies only)::

    CONNECTED ─greeting→ GREETED ─EHLO→ READY ─MAIL→ MAIL ─RCPT→ RCPT ─DATA→ CONTENT ─final dot→ READY
                            ↑             │  └─AUTH→ AUTHENTICATING   └─BDAT→ CHUNKS ─BDAT LAST→ READY
                            └─TLS─ SECURING ←STARTTLS┘

A BDAT LAST alone leads from RCPT to READY. After STARTTLS the server has forgotten what EHLO said (RFC 3207 §4.2),
hence back to GREETED. A 421 closes from anywhere (RFC 5321 §3.8), which ``after_reply`` knows without a row.
"""

from enum import Enum
from functools import lru_cache
from typing import Final


class State(Enum):
    """Where a session stands."""

    CONNECTED = "connected"  # the server has not greeted yet
    GREETED = "greeted"  # EHLO or HELO must come
    READY = "ready"  # no transaction
    SECURING = "securing"  # 220 to STARTTLS: the handshake comes next, in both directions
    AUTHENTICATING = "authenticating"  # 334: a SASL exchange is under way
    MAIL = "mail"  # a transaction with a sender and no recipient yet
    RCPT = "rcpt"  # a transaction with at least one recipient
    CONTENT = "content"  # 354: everything up to the final dot is content
    CHUNKS = "chunks"  # a chunk has come and was taken or refused: RFC 3030 §2 allows only more of them, or a RSET
    CLOSED = "closed"

    __hash__ = object.__hash__  # Enum's own is Python code, and every reply looks into the table


class Verb(Enum):
    """What a reply can be the answer to."""

    GREETING = "greeting"  # the server speaks first
    EHLO = "EHLO"
    HELO = "HELO"
    LHLO = "LHLO"  # RFC 2033 §4.1: LMTP's EHLO
    STARTTLS = "STARTTLS"
    TLS = "TLS handshake"
    AUTH = "AUTH"
    AUTH_RESPONSE = "AUTH response"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "final dot"
    DOT_ONE = "final dot, one recipient"  # RFC 2033 §4.2: LMTP's reply for each recipient but the last, who has DOT
    BDAT = "BDAT"  # RFC 3030 §2: a chunk that others follow
    BDAT_LAST = "BDAT LAST"
    BDAT_LAST_ONE = "BDAT LAST, one recipient"  # to BDAT_LAST what DOT_ONE is to DOT
    RSET = "RSET"
    NOOP = "NOOP"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    QUIT = "QUIT"

    __hash__ = object.__hash__


Row = dict[int, State]  # the first digit of the reply → the next state

_S = State

_HELLOS: Final = (Verb.EHLO, Verb.HELO, Verb.LHLO)
_IN_TRANSACTION: Final = (_S.MAIL, _S.RCPT, _S.CHUNKS)


def _refused(state: State) -> Row:
    return {4: state, 5: state}


def _done(state: State, success: State) -> Row:
    return {2: success, 4: state, 5: state}


TRANSITIONS: Final[dict[tuple[State, Verb], Row]] = {
    # RFC 5321 §3.1: 554 instead of a greeting; the session then only waits for QUIT.
    (_S.CONNECTED, Verb.GREETING): {2: _S.GREETED, 4: _S.CLOSED, 5: _S.CLOSED},
    # RFC 5321 §4.1.4: a later EHLO is a RSET with a new introduction.
    **{(state, verb): _done(state, _S.READY) for state in (_S.GREETED, _S.READY, *_IN_TRANSACTION) for verb in _HELLOS},
    (_S.READY, Verb.STARTTLS): _done(_S.READY, _S.SECURING),
    # RFC 3207 §4.2: the knowledge of before TLS is void.
    (_S.SECURING, Verb.TLS): {2: _S.GREETED},
    (_S.READY, Verb.AUTH): {2: _S.READY, 3: _S.AUTHENTICATING, 4: _S.READY, 5: _S.READY},
    (_S.AUTHENTICATING, Verb.AUTH_RESPONSE): {2: _S.READY, 3: _S.AUTHENTICATING, 4: _S.READY, 5: _S.READY},
    (_S.READY, Verb.MAIL): _done(_S.READY, _S.MAIL),
    (_S.MAIL, Verb.RCPT): _done(_S.MAIL, _S.RCPT),
    (_S.RCPT, Verb.RCPT): _done(_S.RCPT, _S.RCPT),
    (_S.RCPT, Verb.DATA): {3: _S.CONTENT, 4: _S.RCPT, 5: _S.RCPT},
    # RFC 2920 §3.1: a pipelined DATA may be answered 354 although every RCPT was refused; an empty content follows.
    (_S.MAIL, Verb.DATA): {3: _S.CONTENT, 4: _S.MAIL, 5: _S.MAIL},
    (_S.CONTENT, Verb.DOT): _done(_S.READY, _S.READY),
    (_S.CONTENT, Verb.DOT_ONE): _done(_S.CONTENT, _S.CONTENT),
    # RFC 3030 §2: once a chunk is refused its transaction has failed, and what of it still comes is refused too. Only
    # RSET makes sure that the server thinks so as well.
    **{(state, Verb.BDAT): _done(_S.CHUNKS, _S.CHUNKS) for state in _IN_TRANSACTION},
    **{(state, Verb.BDAT_LAST): _done(_S.READY, _S.READY) for state in (_S.RCPT, _S.CHUNKS)},
    # As with DATA: behind refused RCPTs a server may take the chunk all the same.
    (_S.MAIL, Verb.BDAT_LAST): _done(_S.MAIL, _S.READY),
    **{(state, Verb.BDAT_LAST_ONE): _done(state, state) for state in (_S.RCPT, _S.CHUNKS)},
    # Out of order, which only a pipelining client does (rule 3).
    **{(_S.GREETED, verb): _refused(_S.GREETED) for verb in (Verb.MAIL, Verb.BDAT, Verb.BDAT_LAST)},
    **{(state, Verb.MAIL): _refused(state) for state in _IN_TRANSACTION},
    **{(_S.READY, verb): _refused(_S.READY) for verb in (Verb.RCPT, Verb.DATA, Verb.BDAT, Verb.BDAT_LAST)},
    **{(_S.CHUNKS, verb): _refused(_S.CHUNKS) for verb in (Verb.RCPT, Verb.DATA)},
    # RFC 5321 §4.1.4: these are allowed at any time, and before EHLO.
    **{(state, Verb.RSET): _done(state, _S.READY) for state in (_S.READY, *_IN_TRANSACTION)},
    (_S.GREETED, Verb.RSET): _done(_S.GREETED, _S.GREETED),
    **{
        (state, verb): _done(state, state)
        for state in (_S.GREETED, _S.READY, *_IN_TRANSACTION)
        for verb in (Verb.NOOP, Verb.VRFY, Verb.EXPN, Verb.HELP)
    },
    **{
        (state, Verb.QUIT): {2: _S.CLOSED, 4: _S.CLOSED, 5: _S.CLOSED}
        for state in (_S.GREETED, _S.READY, *_IN_TRANSACTION)
    },
}

_CONTENT: Final = (Verb.DATA, Verb.BDAT, Verb.BDAT_LAST)


def may_accept(state: State, verb: Verb) -> bool:
    """Whether a server in this state may run the command; if not, it answers 503.

    Content without a recipient has rows for the client's sake only (RFC 5321 §3.3: answer 503 or 554).
    """
    if state is State.MAIL and verb in _CONTENT:
        return False
    row = TRANSITIONS.get((state, verb), {})
    return 2 in row or 3 in row


@lru_cache(maxsize=1024)  # asked for every reply, and the questions of a busy session are few
def after_reply(state: State, verb: Verb, code: int) -> State | None:
    """The state after ``verb`` was answered with ``code``; ``None`` if that answer cannot be there."""
    if code == 421:
        return State.CLOSED
    row = TRANSITIONS.get((state, verb))
    return None if row is None else row.get(code // 100)
