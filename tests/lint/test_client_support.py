"""What clients support: the data is what its script makes, and each way of finding something finds it."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.lint.check import check_message
from postroad.lint.html_features import features_of

ROOT = Path(__file__).parents[2]
DATA = ROOT / "src" / "postroad" / "lint" / "client_support.json"
SCRIPT = ROOT / "requirements" / "client_support"
HASH = "d525c077947364cbbc30a6e9e7b535c9fe0ee828eabf5618dba00a0774368cff"


def seen(html: str) -> str:
    message = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode() + b"\r\n"
    return next(one.seen for one in check_message(message) if one.id == "MSG-11")


def test_the_data_is_the_one_that_was_reviewed() -> None:
    assert sha256(DATA.read_bytes()).hexdigest() == HASH
    document = json.loads(DATA.read_text())
    integrity = re.search(r'^INTEGRITY = "(.+)"$', SCRIPT.read_text(), re.MULTILINE)
    assert integrity is not None
    assert document["integrity"] == f"sha512-{integrity[1]}"
    assert document["licence"].startswith("MIT License Copyright ©")


def test_every_entry_can_be_found_and_names_known_clients() -> None:
    document = json.loads(DATA.read_text())
    ways = {"element", "attribute", "property", "value", "rule", "function", "unit", "image"}
    for one in document["features"]:
        assert one.keys() - {"what", "not_in"} <= ways
        assert one.keys() & ways
        assert set(one["not_in"]) <= set(document["clients"])
        assert one["not_in"]


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<VIDEO>", "<video> is not supported by Gmail, "),
        ("<p HIDDEN>", "hidden attribute is not supported by Gmail, "),
        ("<input type=SUBMIT>", '<input type="submit"> is not supported by '),
        ("<link rel=stylesheet href=x.css>", "<link> is not supported by Gmail, "),
        ("<img src='https://a.example/b.WEBP?c'>", "webP image format is not supported by Outlook (Windows)"),
        ("<img src='DATA:image/png;base64,AA=='>", "Base 64 image format is not supported by Gmail"),
        ("<p style='BOX-SHADOW : 1px 1px'>", "box-shadow is not supported by "),
        ("<p style='a:b; display: none !important'>", "display:none is not supported by "),
        ("<p style='width:calc(1px + 1px)'>", "CSS calc() function is not supported by "),
        ("<p style='width:var(--x)'>", "CSS Variables (Custom Properties) is not supported by "),
        ("<p style='width:10vw'>", "vw unit is not supported by "),
        ("<style>@font-face { font-family: x }</style>", "@font-face is not supported by Gmail, "),
        ("<STYLE type='text/css'>p { float: left }</style>", "float is not supported by Outlook (Windows)"),
        ("<style>p { float: left }", "float is not supported by Outlook (Windows)"),
        ("<style>@media screen and (prefers-color-scheme: dark) {}</style>", "@media (prefers-color-scheme) is not"),
    ],
)
def test_each_way_of_finding_finds(html: str, what: str) -> None:
    assert what in seen(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>display:flex box-shadow: 1px <!-- <video> --> &lt;video&gt;</p>",
        "<p style='/* float: left */ color: red'>",
        "<p style='display: block; color: red'>",
        "<a title='hidden' href='https://a.example/x.webp'>video</a>",
        "<link rel=icon href=x.png>",
        "<img src='https://a.example/webp'>",
        "<table width='100%' bgcolor='#fff'><tr><td align=center style='padding:10px;font-size:14px'>x</table>",
    ],
)
def test_what_only_looks_like_it_is_none(html: str) -> None:
    assert seen(html) == "no HTML, or nothing in it that a large client does not support"


PIECES = [*"<>/*;:{}()@'\"= -a1é", "<style>", "</style>", "<p style='", "display:flex;", "/*", "*/", "url("]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_text_is_looked_through(html: str) -> None:
    features_of(html)
