"""Messages, and parts of them, of every kind that Hypothesis can think of."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from postroad.address import Address
from postroad.message import Attachment, Email, InlineImage

# Hypothesis wants the bounds naive and adds the time zone itself.
EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - see above
LATEST = datetime(9999, 12, 1)  # noqa: DTZ001 - see above

_ATOM = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=12)
_LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(lambda label: label[2:4] != "--")

# Anything that may stand in a header: no controls (Cc), no surrogates (Cs), no line and paragraph separators (Zl, Zp).
header_texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120)
lookalikes = st.sampled_from(["=?utf-8?q?=0ABcc:_x?=", "=?", "?=", "=?utf-8?b?eA==?= =?utf-8?b?eA==?=", ' "', "a  b"])
subjects = st.one_of(header_texts, st.lists(st.one_of(header_texts, lookalikes), max_size=4).map(" ".join))
bodies = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=400)
awkward_bodies = st.lists(
    st.sampled_from(["From ", ".", "\n", "\r\n", "--=_0", " ", "\t", "é", "x" * 77, "=\n", "--\n", "a"]), max_size=30
).map("".join)
texts = st.one_of(bodies, awkward_bodies)

local_parts = st.lists(_ATOM, min_size=1, max_size=3).map(".".join).filter(lambda local: "?=" not in local)
domains = st.lists(_LABEL, min_size=1, max_size=3).map(".".join)
addr_specs = st.builds("{}@{}".format, local_parts, domains)
addresses = st.builds(Address, addr_specs, st.one_of(st.just(""), header_texts, lookalikes))
address_lists = st.lists(addresses, max_size=4)

file_names = header_texts.map(str.strip).filter(
    lambda name: (
        name not in ("", ".", "..") and not set(name) & set("/\\") and name[0] + name[-1] not in ("<>", '""')
    )  # which the standard library takes off twice
)
media_types = st.sampled_from(
    [None, "application/pdf", "text/csv; charset=utf-8", 'text/plain; note="a \\"b\\""', "message/rfc822", "image/png"]
)
attachments = st.builds(Attachment, st.one_of(st.binary(max_size=200), texts), file_names, media_types)


@st.composite
def emails(draw: st.DrawFn, files: st.SearchStrategy[Attachment] = attachments) -> Email:
    """A message with any mixture of arguments that it may have."""
    instants = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))
    senders = draw(st.lists(addresses, min_size=1, max_size=2))
    arguments: dict[str, Any] = {
        "from_": senders,
        "sender": draw(addresses) if len(senders) > 1 else None,
        "to": draw(st.lists(addresses, min_size=1, max_size=3)),
        "cc": draw(address_lists),
        "bcc": draw(address_lists),
        "reply_to": draw(address_lists),
        "subject": draw(subjects),
        "text": draw(texts),
        "html": draw(st.none() | texts),
        "attachments": draw(st.lists(files, max_size=3)),
        "headers": [("X-Extra", value) for value in draw(st.lists(subjects, max_size=2))],
        "message_id": draw(st.none() | st.just("<a@b.example>")),
        "date": draw(st.none() | instants),
    }
    if arguments["html"] is not None and draw(st.booleans()):
        arguments["attachments"].append(
            InlineImage(draw(st.binary(max_size=50)), cid="logo", filename=draw(file_names))
        )
    return Email(**arguments)
