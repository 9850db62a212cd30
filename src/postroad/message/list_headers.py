"""List-Unsubscribe with one-click, from one argument.

Sources: RFC 2369 §3.2 (List-Unsubscribe), RFC 8058 §3 (one-click by POST). The URI goes to the wire as it is: an
encoded word in place of it makes the unsubscribe button vanish at the large providers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from postroad.address import shown
from postroad.errors import MessageError
from postroad.message.characters import header_text

MAX_URI_OCTETS: Final = 990  # RFC 5322 §2.1.1: a line of 998 octets, less the leading space, brackets and a comma

# RFC 3986 §2: what may stand in a URI; everything else is percent-encoded.
_HTTPS: Final = r"(?i:https)://[A-Za-z0-9\[][!#-;=?-\[\]_a-z~]*"
_MAILTO: Final = r"(?i:mailto):[!#-;=?-\[\]_a-z~]+"


@dataclass(frozen=True, slots=True)
class ListUnsubscribe:
    """The ways out of a list: ``https:`` and ``mailto:`` URIs, the preferred one first.

    ``one_click`` says that a POST to the https URI unsubscribes without a question (RFC 8058 §3.1).
    """

    uris: tuple[str, ...]
    one_click: bool

    @classmethod
    def read(
        cls, value: "str | Iterable[str] | ListUnsubscribe | None", field: str = "list_unsubscribe"
    ) -> "ListUnsubscribe | None":
        """Read the argument of a message: one URI or several; one-click is promised where an https URI is among them.

        Raises:
            MessageError: naming ``field`` where a URI is neither https: nor mailto:, or holds what no URI holds.
        """
        if value is None or isinstance(value, ListUnsubscribe):
            return value
        uris = _checked_uris(value, field)
        return cls(uris, one_click=any(uri[:6].lower() == "https:" for uri in uris)) if uris else None


def listed(value: str) -> tuple[str, ...]:
    """The URIs of a List-Unsubscribe field; comments and what else stands between are left out (RFC 2369 §2)."""
    return tuple("".join(uri.split()) for uri in re.findall(r"<([^<>]*)>", value))


def _checked_uris(value: object, field: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_checked_uri(value, field),)
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise MessageError(f"{field}: a URI or a list of URIs is needed, not {type(value).__name__}", field=field)
    return tuple([_checked_uri(uri, f"{field}[{index}]") for index, uri in enumerate(value)])


def _checked_uri(value: object, field: str) -> str:
    uri = header_text(value, field).strip(" ").removeprefix("<").removesuffix(">")
    if len(uri) > MAX_URI_OCTETS:
        raise MessageError(f"{field}: longer than {MAX_URI_OCTETS} octets, which no header line can hold", field=field)
    if not re.fullmatch(_HTTPS, uri) and not re.fullmatch(_MAILTO, uri):
        raise MessageError(
            f"{field}: {shown(uri)} is not an https: or mailto: URI",
            field=field,
            advice="Give https://… (one-click, RFC 8058) or mailto:…; percent-encode spaces and non-ASCII characters.",
        )
    return uri
