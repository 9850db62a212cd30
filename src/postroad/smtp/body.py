"""Content on its way through DATA: dot-stuffing and line ends (RFC 5321 §4.5.2, §2.3.8)."""

from typing import Final

from postroad.errors import MessageError

END: Final = b".\r\n"


def stuff(content: bytes) -> bytes:
    """The content as DATA carries it, with the final dot.

    Raises:
        MessageError: see ``stuffed``.
    """
    return stuffed(content) + END


def stuffed(content: bytes, *, checked: bool = False) -> bytes:
    """The content as DATA carries it before the final dot. ``checked``: that every line ends with CRLF is known.

    Raises:
        MessageError: see ``check_line_ends``.
    """
    if not checked:
        check_line_ends(content)
    lines_of_dots = content.replace(b"\r\n.", b"\r\n..")
    if lines_of_dots.startswith(b"."):
        lines_of_dots = b"." + lines_of_dots
    if lines_of_dots and not lines_of_dots.endswith(b"\r\n"):
        lines_of_dots += b"\r\n"
    return lines_of_dots


def check_line_ends(content: bytes) -> None:
    """Whether every CR stands before an LF and every LF behind a CR (RFC 5321 §2.3.8; for chunks RFC 3030 §2).

    Raises:
        MessageError: a bare CR or bare LF stands in it. It never goes on the wire, where servers disagree on whether it
            ends a line: that is how mail is smuggled past filters (CVE-2023-51766).
    """
    lines = content.count(b"\r\n")
    if content.count(b"\n") != lines or content.count(b"\r") != lines:
        raise MessageError("the content holds a bare CR or bare LF; lines end with CRLF", field="content")
