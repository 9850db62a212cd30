"""What an Authentication-Results field says (RFC 8601 §2.2), as values."""

import re
from dataclasses import dataclass
from typing import Final

from postroad.address import shown
from postroad.errors import MessageError

VERSION: Final = 1  # of the field, and of every method so far (RFC 8601 §2.5)
# RFC 5321 §4.1.2, Ldh-str; underscores are written by some receivers. 64 octets are four times the longest there is,
# and keep the lines of what is written below 998.
KEYWORD: Final = re.compile(r"[A-Za-z0-9_-]{0,63}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Property:
    """Something of the message that a result is about: ``ptype.name=value``, as ``smtp.mailfrom=ann@example.com``."""

    ptype: str
    name: str
    value: str

    def __post_init__(self) -> None:
        _check_keyword(self.ptype, "ptype")
        _check_keyword(self.name, "name")


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What one method came to: ``spf=pass reason=… smtp.mailfrom=…``. Method and result are in lower case."""

    method: str
    result: str
    properties: tuple[Property, ...] = ()
    reason: str = ""
    comment: str = ""
    version: int = VERSION

    def __post_init__(self) -> None:
        _check_keyword(self.method, "method")
        _check_keyword(self.result, "result")
        if self.method != self.method.lower() or self.result != self.result.lower():
            raise MessageError(f"method: {self.method}={self.result} is written in lower case", field="method")

    def value_of(self, ptype: str, name: str) -> str | None:
        """The first property of this name."""
        found = (one.value for one in self.properties if (one.ptype, one.name) == (ptype, name))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """The findings of one service; ``results`` is empty where nothing was tried (``none``).

    ``authserv_id`` names who found it out; only a field of one's own service may be believed (RFC 8601 §7.1).
    ``unread`` holds what stands there and could not be read.
    """

    authserv_id: str
    results: tuple[MethodResult, ...] = ()
    version: int = VERSION
    unread: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.authserv_id.strip():
            raise MessageError(
                "authserv_id: the name of the service that writes the field is missing",
                field="authserv_id",
                advice="Give the name of the receiving host, such as mx.example.com.",
            )

    def of(self, method: str) -> tuple[MethodResult, ...]:
        """The results of one method; of DKIM there may be several."""
        return tuple(one for one in self.results if one.method == method)


def _check_keyword(word: str, field: str) -> None:
    if not KEYWORD.fullmatch(word):
        raise MessageError(f"{field}: {shown(word)} is no keyword of letters, digits and hyphens", field=field)
