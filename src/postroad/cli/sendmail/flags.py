"""The command line of ``sendmail``, as the programs of forty years use it.

Read as Postfix's ``sendmail(1)`` reads it: flags may stand before and behind recipients, ``--`` ends them. What only
concerns another program's queue or configuration is taken and ignored, so that no caller breaks on it; nothing is
written anywhere because of a flag (``-X``, ``-O``).

Loaded before standard input is read, so it loads nothing else but what the interpreter has loaded already.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, NamedTuple


class Mode(Enum):
    """What is to be done, as ``-b`` says."""

    DELIVER = "m"
    SHOW_QUEUE = "p"
    MAKE_ALIASES = "i"
    FLUSH_QUEUE = "q"
    HELP = "help"
    VERSION = "version"


class Flags(NamedTuple):
    """What the command line says. ``sender`` is ``""`` or ``<>`` for the null sender, ``None`` for whoever runs it.

    With ``from_header`` the recipients in the header are added to ``recipients``; with ``whole_input`` a line with
    nothing but a dot does not end the message.
    """

    mode: Mode = Mode.DELIVER
    recipients: tuple[str, ...] = ()
    sender: str | None = None
    full_name: str | None = None
    from_header: bool = False
    whole_input: bool = False
    verbose: bool = False
    notify: str | None = None
    ret: str | None = None
    envid: str | None = None
    db: str | None = None
    transport: str | None = None


class UnusableFlags(Exception):
    """The command line asks for what does not exist, or leaves out what is needed; the text is for people."""


# The name under which the program is run may say it all.
MODE_OF_NAME: Final = {"sendmail": Mode.DELIVER, "mailq": Mode.SHOW_QUEUE, "newaliases": Mode.MAKE_ALIASES}

_WITH_VALUE: Final = frozenset("ABCFLNORVXbefhopr")
_VALUE_MAY_FOLLOW: Final = frozenset("dq")  # in the same word only
_ALONE: Final = frozenset("GIUimntv")
_LONG: Final = frozenset({"db", "transport"})
_FIELDS: Final = {"f": "sender", "r": "sender", "F": "full_name", "N": "notify", "R": "ret", "V": "envid"}
_SWITCHES: Final = {"t": "from_header", "i": "whole_input", "v": "verbose"}
_MODES: Final = {mode.value: mode for mode in (Mode.DELIVER, Mode.SHOW_QUEUE, Mode.MAKE_ALIASES)}
_NO_MODES: Final = {
    "s": "-bs: postroad takes no SMTP on standard input; speak it to a server, or give the message itself",
    "d": "-bd: postroad is no mail server; `postroad worker` delivers what is in the outbox",
    "D": "-bD: postroad is no mail server; `postroad worker` delivers what is in the outbox",
    "v": "-bv: postroad does not expand addresses",
    "t": "-bt: postroad has no rules to test addresses with",
}


def read_flags(words: Sequence[str], mode: Mode = Mode.DELIVER) -> Flags:
    """Read a command line; ``mode`` is what the program's name says.

    Raises:
        UnusableFlags: what is wrong, in a sentence.
    """
    reading = _Reading(words, mode)
    reading.run()
    flags = Flags(recipients=tuple(reading.recipients), **reading.found)
    if flags.mode is Mode.DELIVER and not flags.recipients and not flags.from_header:
        raise UnusableFlags("no recipients: name them, or give -t to take them from the header")
    if flags.db is not None and flags.transport is not None:
        raise UnusableFlags("--db and --transport exclude each other: a message is queued, or sent now")
    return flags


class _Reading:
    def __init__(self, words: Sequence[str], mode: Mode) -> None:
        self._words = list(reversed(words))
        self.recipients: list[str] = []
        self.found: dict[str, Any] = {"mode": mode}

    def run(self) -> None:
        while self._words:
            word = self._words.pop()
            if word == "--":
                self.recipients += reversed(self._words)
                return
            if word.startswith("--"):
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._letters(word[1:])
            else:
                self.recipients.append(word)

    def _long(self, word: str) -> None:
        name, equals, value = word[2:].partition("=")
        if name in ("help", "version") and not equals:
            self.found["mode"] = Mode(name)
        elif name in _LONG:
            self.found[name] = value if equals else self._next(word)
        else:
            raise UnusableFlags(f"{_name(word)} is no flag of sendmail")

    def _letters(self, letters: str) -> None:
        """Flags in one word: ``-ti``; the first one that takes a value takes the rest of the word."""
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in _WITH_VALUE:
                self._value(letter, letters or self._next(f"-{letter}"))
                return
            if letter in _VALUE_MAY_FOLLOW:
                self._value(letter, letters)
                return
            if letter not in _ALONE:
                raise UnusableFlags(f"{_name(f'-{letter}')} is no flag of sendmail")
            if letter == "I":
                self.found["mode"] = Mode.MAKE_ALIASES
            elif letter in _SWITCHES:
                self.found[_SWITCHES[letter]] = True

    def _value(self, letter: str, value: str) -> None:
        if letter in _FIELDS:
            self.found[_FIELDS[letter]] = value
        elif letter == "b":
            self._mode(value)
        elif letter == "q":
            self._queue(value)
        elif letter == "B" and value.upper() not in ("7BIT", "8BITMIME"):
            raise UnusableFlags(f"-B is 7BIT or 8BITMIME, not {value!a:.40}")
        elif (letter, value) == ("o", "i") or (letter, value.lower()) == ("O", "ignoredots"):
            self.found["whole_input"] = True

    def _mode(self, value: str) -> None:
        if value not in _MODES:
            raise UnusableFlags(_NO_MODES.get(value, f"{_name(f'-b{value}')} is no mode of sendmail"))
        self.found["mode"] = _MODES[value]

    def _queue(self, value: str) -> None:
        if value[:1].isdigit():
            raise UnusableFlags("-q with a time: postroad runs its queue with `postroad worker`")
        self.found["mode"] = Mode.FLUSH_QUEUE

    def _next(self, flag: str) -> str:
        if not self._words:
            raise UnusableFlags(f"{_name(flag)} needs a value")
        return self._words.pop()


def _name(flag: str) -> str:
    return ascii(flag)[1:41].removesuffix("'")
