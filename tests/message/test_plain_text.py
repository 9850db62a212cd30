"""The text made from HTML: what a reader should see, from whatever markup, in linear time."""

import re
import time
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.message.html_tokens import EndTag, StartTag, Text, tokens
from postroad.message.plain_text import plain_text
from tests.golden.messages import FOLDER

PAGES = sorted((FOLDER / "html").glob("*.html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_text_is_the_one_kept(page: Path) -> None:
    assert plain_text(page.read_text(encoding="utf-8")) == page.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain\n"),
        ("a\n b\t c&nbsp;d", "a b c d\n"),
        ("a<br>b<br><br><br>c", "a\nb\n\nc\n"),
        ("<p>a</p><p>b</p>c", "a\n\nb\n\nc\n"),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ("<p>a<p>b<div>c</div>", "a\n\nb\n\nc\n"),
        ("a<b>b</b> <i> c </i>d", "ab c d\n"),
        ("<h1>Title</h1>x<h3>Small</h3>y", "Title\n-----\n\nx\n\nSmall\n\ny\n"),
        ("<h1>Two<br>lines</h1>", "Two\nlines\n-----\n"),
        ("<h1></h1>x", "x\n"),
        # links
        ("<a href='https://a.example/x'>text</a>", "text (https://a.example/x)\n"),
        ("<a href='https://a.example/x'>https://a.example/x</a>", "https://a.example/x\n"),
        ("<a href='https://a.example/'>a.example</a>", "a.example\n"),
        ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example\n"),
        ("<a href='mailto:a@b.example'>Ann</a>", "Ann (a@b.example)\n"),
        ("<a href='#x'>x</a> <a href='JavaScript:y'>y</a> <a>z</a>", "x y z\n"),
        ("<a href='https://a.example/?a=1&amp;b=2'>x</a>", "x (https://a.example/?a=1&b=2)\n"),
        ("<a href='https://a.example'><img alt='logo'></a>", "logo (https://a.example)\n"),
        ("<a href='https://a.example'><img></a> x", "https://a.example x\n"),
        (
            "<a href='https://a.example'>x<a href='https://b.example'>y</a>",
            "x (https://a.example)y (https://b.example)\n",
        ),
        ("<a href=https://a.example/ >x</a >", "x (https://a.example/)\n"),
        # lists
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>e", "- a\n- b\n  - c\n- d\n\ne\n"),
        ("<ol start=9><li>a<li>b<br>c</ol>", "9. a\n10. b\n    c\n"),
        ("<ol><li value=3>a<li>b</ol>", "3. a\n4. b\n"),
        ("<ul><li><p>a</p></li></ul>", "- a\n"),
        ("<ul><li></li><li>a</li></ul>", "- a\n"),
        ("<li>a", "- a\n"),
        # quotations and code
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc\n"),
        ("<pre>\n a\n\n  b\n</pre>c", " a\n\n  b\n\nc\n"),
        ("<blockquote><ul><li>a</ul></blockquote>", "> - a\n"),
        # tables
        ("<table><tr><td>a<td>b<tr><td>ccc<td>d</table>", "a    b\nccc  d\n"),
        ("<table><tr><td>a</td><td></td></tr></table>", "a\n"),
        ("<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\n\nb\n\nc\n"),
        ("<table><tr><td><table><tr><td>a<td>b</table></table>", "a  b\n"),
        ("<td>a</td><td>b</td>", "a\nb\n"),
        ("<table><tr><td>a</span></div></p>b</table>c", "ab\nc\n"),
        ("a</br>b", "a\nb\n"),
        # what is not seen
        ("<head><title>t</title></head>x", "x\n"),
        ("<head><title>t</title><body>x", "x\n"),
        ("<head><meta>x", "x\n"),
        ("<script>a<b</script>x<style>y</style>", "x\n"),
        ("<p style='color:red;display:none'>a</p>b", "b\n"),
        ("<p style='DISPLAY: NONE'>a</p>b", "b\n"),
        ("<p style='mso-hide:all'>a</p><p style='max-height:0'>b</p>c", "c\n"),
        ("<p style='max-height:0.5em'>a</p><p style='line-height:0'>b</p>", "a\n\nb\n"),
        ("<p hidden>a<b>b</b></p>c", "c\n"),
        ("<img alt=a hidden><img alt=b>", "b\n"),
        ("<table hidden><tr><td>a</table>b", "b\n"),
        ("<!-- a -->b<!-->c<!--->d<!-- > e --", "bcd\n"),
        ("\u200b\u00ad\ufeff", ""),
        ("a\u200c\u200d", "a\n"),
        # characters
        ("&lt;b&gt; &amp;amp; &euro; &#8364; &#x20ac; &bogus;", "<b> &amp; € € € &bogus;\n"),
        ("1 < 2 <3 a<b", "1 < 2 <3 a\n"),
        ("&#" + "9" * 5000 + ";", "\ufffd\n"),
    ],
)
def test_small_pages(markup: str, text: str) -> None:
    assert plain_text(markup) == text


SHOWING = re.split(
    r"\|",
    "<p>|</p>|<div>|</div>|<table>|</table>|<tr>|<td>|</td>|<th>|<ul>|</ul>|<ol>|<li>|</li>|</a>|<b>|</i>|<blockquote>"
    "|</blockquote>|<pre>|</pre>|<h1>|</h1>|<br>|<hr>|<body>|<dd>|<dt>|&lt;|>|\"|'|=|a|\n|&#x0;|</svg>|</select>|</q>",
)
HIDING = [
    "<head>",
    "<script>",
    "<svg>",
    "<select>",
    "<div hidden>",
    "<!--",
    "-->",
    "<a href=x>",
    "<",
    "&",
    "<img alt=x>",
]
MARKUP = st.lists(st.sampled_from([*SHOWING, *HIDING, "<q>", "</script>", "</head>"]), max_size=40)


@given(st.text() | MARKUP.map("".join))
def test_any_markup_gives_a_text(markup: str) -> None:
    text = plain_text(markup)
    assert text == "" or text.endswith("\n")
    lines = text.split("\n")
    assert not text.startswith("\n")
    assert all(line == line.rstrip(" ") for line in lines)
    assert plain_text(markup) == text


@given(st.lists(st.sampled_from(SHOWING), max_size=40))
def test_visible_words_are_kept(pieces: list[str]) -> None:
    """Between tags that hide nothing, every word is said once."""
    words = [f"word{number}" for number in range(len(pieces) + 1)]
    mixed = "".join(f" {word} {piece}" for word, piece in zip(words, [*pieces, ""], strict=True))
    found = [word for word in plain_text(mixed).split() if word.startswith("word")]
    assert sorted(found) == sorted(words)


@pytest.mark.parametrize(
    "piece",
    [
        "<a ", "<a x='", "<!--", "<!", "</", "<", "<?", "&", "&#9", "<div>", "</div>", "<b></i>", "<table><tr><td>x",
        "<ul><li>x", "<blockquote>x", "<h1>x", "<pre>x\n", "<script", "<a href=x>y", "<td>", "<![", "<p>", "<dd>", " ",
        "<a =", "<div hidden>", "<a / ", "<a x=\"", "&#x", "<title>",
    ],
)  # fmt: skip
def test_linear_time(piece: str) -> None:
    """Sixteen times the markup takes about sixteen times as long; in quadratic time it would be 256 times."""
    small, large = (seconds(piece * count) for count in (250, 4_000))
    assert large <= 64 * max(small, 0.001)


def seconds(markup: str) -> float:
    """Processor time of the faster of two runs."""
    spent = []
    for _ in range(2):
        start = time.process_time()
        plain_text(markup)
        spent.append(time.process_time() - start)
    return min(spent)


def test_tokens() -> None:
    assert list(tokens("a<B Class='x' y=\"&amp;\" z=1 Z=2 w>&lt;</b ><br/>")) == [
        Text("a"),
        StartTag("b", {"class": "x", "y": "&", "z": "1", "w": ""}),
        Text("<"),
        EndTag("b"),
        StartTag("br", {}),
    ]
    assert list(tokens("<script>a</b>&amp;</SCRIPT >b")) == [StartTag("script", {}), EndTag("script"), Text("b")]
    assert list(tokens("<style>never closed")) == [StartTag("style", {})]
    assert list(tokens("x<b never closed")) == [Text("x")]
    assert list(tokens("</>x</ y>")) == [Text("x")]


@given(st.text(st.sampled_from("<>&;#x/=\"' ab1\n")))
def test_characters_outside_of_markup_are_resolved_as_the_standard_says(text: str) -> None:
    said = "".join(token.text for token in tokens(text.replace("<", "")) if isinstance(token, Text))
    assert said == unescape(text.replace("<", ""))
