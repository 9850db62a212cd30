"""Content on its way through DATA: dot-stuffing and line ends (RFC 5321 §4.5.2, §2.3.8)."""

from typing import Final

from postroad.errors import MessageError

END: Final = b".\r\n"


def stuff(content: bytes, *, checked: bool = False) -> bytes:
    """The content as DATA carries it, with the final dot. ``checked``: that every line ends with CRLF is known.

    Raises:
        MessageError: a bare CR or bare LF stands in it. It never goes on the wire, where servers disagree on whether it
            ends a line: that is how mail is smuggled past filters (CVE-2023-51766).
    """
    if not checked:
        lines = content.count(b"\r\n")
        if content.count(b"\n") != lines or content.count(b"\r") != lines:
            raise MessageError("the content holds a bare CR or bare LF; lines end with CRLF", field="content")
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + END
