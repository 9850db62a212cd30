"""Secrets: values that never show themselves, or references that say where to find them.

A secret prints as ``***`` in ``repr``, ``str``, logs, transcripts and tracebacks; only ``reveal()`` shows it. A
reference is read when it is needed, not before: how one is written is known here, the ``Resolver`` reads it.
"""

# `import postroad` loads this module, to tell it who resolves references. So it loads nothing itself but typing, and
# what only a reference needs is imported where one is made.

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

if TYPE_CHECKING:
    from postroad.errors import ConfigurationError

MASK = "***"
FORMS: Final = {
    "env": "env:NAME",
    "file": "file:/path",
    "cmd": "cmd:program argument…",
    "vault": "vault:path#key",
    "aws-sm": "aws-sm:name#key",
    "keyring": "keyring:service/user",
}
MAX_AGE: Final = 300.0  # seconds; no longer than a connection lives


class Reference(NamedTuple):
    """Where a secret is to be found. ``text`` is what was written; it is no secret, and errors name it."""

    text: str
    scheme: str
    name: str  # a variable, a path, a command line, a secret's name, a service
    key: str  # the field in it, the user; empty where there is none
    max_age: float  # seconds that a value which costs a trip may be used

    def __str__(self) -> str:
        return self.text


Resolver: TypeAlias = Callable[[Reference], str]
"""Reads what a reference stands for. May block; called from any thread."""

_resolvers: list[Resolver] = []  # none, or the one


def resolve_with(resolver: Resolver) -> None:
    """Say who reads references; the package does so for ``postroad.net.secrets`` when it is imported."""
    _resolvers[:] = [resolver]


class Secret:
    """A password, key or token; ``Secret.ref`` makes one that is looked up when it is needed.

    ``reveal()`` returns the value. Equality compares values in constant time only as far as Python's ``==``
    does: use it for tests, not for checking credentials. Two references are equal when they are written alike.
    """

    __slots__ = ("_reference", "_value")

    def __init__(self, value: "str | Secret") -> None:
        self._value: str = value._value if isinstance(value, Secret) else value
        self._reference: Reference | None = value._reference if isinstance(value, Secret) else None

    @classmethod
    def ref(cls, reference: str, *, max_age: float = MAX_AGE) -> "Secret":
        """A secret by reference: ``env:NAME``, ``file:/path``, ``cmd:program argument…`` (without a shell),
        ``vault:path#key``, ``aws-sm:name#key`` (without a key the whole text), ``keyring:service/user``.

        Nothing is read before the value is needed. Variables and files are read each time; a value that costs a trip
        is used for ``max_age`` seconds, and looked up anew when a server has refused it.

        Raises:
            ConfigurationError: it is not written like one of these. The text is not shown: it may be a password.
        """
        secret = cls("")
        object.__setattr__(secret, "_reference", _parsed(reference, max_age))
        return secret

    @property
    def reference(self) -> Reference | None:
        """Where it is to be found; ``None`` for a value."""
        return self._reference

    def reveal(self) -> str:
        """The value itself; ask late and keep it nowhere. A reference is read, which may block.

        Raises:
            ConfigurationError: a reference cannot be read, and why (``SecretUnavailable``: not now; ``MissingExtra``).
        """
        if self._reference is None:
            return self._value
        return _resolvers[0](self._reference)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (other._value, other._reference) == (self._value, self._reference)

    def __hash__(self) -> int:
        return hash((Secret, self._value, self._reference))

    def __bool__(self) -> bool:
        return bool(self._value) or self._reference is not None

    def __reduce__(self) -> NoReturn:
        # A pickle is a file or a message queue away from being read by somebody else.
        raise TypeError("a Secret is not picklable; pass its source (an environment variable, a file) instead")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, name):
            raise AttributeError("a Secret does not change")
        object.__setattr__(self, name, value)


# ── how references are written ────────────────────────────────────────────────────────────────────────────────────


def _parsed(text: str, max_age: float) -> Reference:
    if not isinstance(text, str):
        raise _malformed(f"a reference is a text, not {type(text).__name__}")
    scheme, _, rest = text.partition(":")
    if scheme not in FORMS or scheme == text:
        raise _malformed(f"this is no reference; a reference is one of {', '.join(FORMS.values())}")
    if not max_age > 0:
        raise _malformed("max_age must be more than 0 seconds")
    if not text.isprintable():
        raise _malformed(f"a reference holds no control characters; {scheme}: has one")
    name, key = _parts(scheme, rest)
    return Reference(text, scheme, name, key, float(max_age))


def _parts(scheme: str, rest: str) -> tuple[str, str]:
    name, key = rest, ""
    if scheme in ("vault", "aws-sm"):
        name, separator, key = rest.partition("#")
        well_formed = bool(key) or (scheme == "aws-sm" and not separator)
    elif scheme == "keyring":
        name, _, key = rest.rpartition("/")  # a service may be an address with slashes of its own
        well_formed = bool(key)
    else:
        well_formed = scheme != "cmd" or _is_command_line(rest)
    if not (name.strip("/") and well_formed):
        raise _malformed(f"it must be written {FORMS[scheme]}")
    return name, key


def _is_command_line(text: str) -> bool:
    import shlex  # late: see above

    try:
        return bool(shlex.split(text))
    except ValueError:  # a quotation without an end
        return False


def _malformed(reason: str) -> "ConfigurationError":
    from postroad.errors import ConfigurationError  # late: see above

    advice = "A password itself is given as it is, without Secret.ref."
    return ConfigurationError(f"Secret.ref: {reason}", setting="password", advice=advice)
