"""Suppression lists as files: our own come back as they were, those of others are understood."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.suppression.entry import Suppression
from postroad.suppression.exchange import MAX_LINE, BadLine, Format, bounded_lines, read_entries, written
from postroad.suppression.reasons import Reason, read_reason

REMARKS = st.none() | st.text(min_size=1, max_size=50).filter(str.isprintable)
TIMES = st.none() | st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # naive bounds
ENTRIES = st.builds(
    Suppression,
    address=st.sampled_from(["ann@b.example", "=1+1@b.example", "-x@b.example", "Bob.O'Hara@c.example"]),
    reason=st.sampled_from(Reason),
    stream=st.none() | st.just("news"),
    source=REMARKS,
    note=REMARKS,
    created_at=TIMES,
    expires_at=TIMES,
)


@pytest.mark.parametrize("form", Format)
@given(entries=st.lists(ENTRIES, max_size=5))
def test_what_is_written_is_read_again(form: Format, entries: list[Suppression]) -> None:
    lines = [f"{line}\n" for line in written(entries, form)]
    assert list(read_entries(lines, form)) == entries


def test_no_cell_is_a_formula() -> None:
    entry = Suppression("=1+1@b.example", note="@SUM(A1)", source="'fine")
    _, line = written([entry], Format.CSV)
    assert line.split(",")[0] == "'=1+1@b.example"
    assert line.split(",")[4] == "'@SUM(A1)"
    assert line.split(",")[3] == "''fine"


def test_exports_of_others() -> None:
    postmark = ["EmailAddress,SuppressionReason,Origin,CreatedAt\n", "ann@b.example,HardBounce,Recipient,2026-01-02\n"]
    (of_postmark,) = read_entries(postmark, Format.CSV)
    assert of_postmark == Suppression("ann@b.example", Reason.HARD_BOUNCE, created_at=datetime(2026, 1, 2, tzinfo=UTC))
    ses = ['{"EmailAddress": "bob@b.example", "Reason": "COMPLAINT", "LastUpdateTime": "2026-01-02T03:04:05Z"}\n']
    (of_ses,) = read_entries(ses, Format.JSON_LINES)
    assert isinstance(of_ses, Suppression)
    assert of_ses.reason is Reason.COMPLAINT
    sendgrid = ["\ufeffemail,created\r\n", "cem@b.example,1700000000\r\n"]
    (of_sendgrid,) = read_entries(sendgrid, Format.CSV, reason=Reason.UNSUBSCRIBE, stream="news")
    assert of_sendgrid == Suppression(
        "cem@b.example", Reason.UNSUBSCRIBE, "news", created_at=datetime.fromtimestamp(1_700_000_000, UTC)
    )


def test_a_file_may_hold_addresses_alone() -> None:
    found = read_entries(["ann@b.example\n", "\n", "bob@b.example\n"], Format.CSV)
    assert [one.address for one in found if isinstance(one, Suppression)] == ["ann@b.example", "bob@b.example"]


def test_a_line_that_is_wrong_is_told_with_its_number() -> None:
    lines = ["address,reason\n", "ann@b.example,nonsense\n", "no address\n", ",manual\n", "bob@b.example,manual\n"]
    found = list(read_entries(lines, Format.CSV))
    assert [one.number for one in found if isinstance(one, BadLine)] == [2, 3, 4]
    assert isinstance(found[-1], Suppression)
    bad = [one.why for one in read_entries(["{", "[]", '{"note": 1}', "9" * 5000], Format.JSON_LINES)
           if isinstance(one, BadLine)]  # fmt: skip
    assert len(bad) == 4
    times = ["address,expires_at\n", "ann@b.example,soon\n"]
    (late,) = read_entries(times, Format.CSV)
    assert isinstance(late, BadLine)
    assert "expires_at" in late.why


class MostAtOnce(io.StringIO):
    """A file that remembers how much of it was read at once."""

    most = 0

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as io.StringIO itself has it
        line = super().readline(-1 if size is None else size)
        self.most = max(self.most, len(line))
        return line


@pytest.mark.parametrize("form", Format)
def test_a_line_without_an_end_does_no_harm(form: Format) -> None:
    file = MostAtOnce('"' + "x" * 10 * MAX_LINE)
    (found,) = read_entries(bounded_lines(file), form)
    assert isinstance(found, BadLine)
    assert len(found.why) < 1000
    assert file.most == MAX_LINE


def test_what_a_long_line_has_too_much_is_passed_over() -> None:
    lengths = (MAX_LINE - 2, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE)
    file = io.StringIO("".join("x" * length + "\n" for length in lengths) + "last")
    read = [len(line) for line in bounded_lines(file)]
    assert read == [MAX_LINE - 1, MAX_LINE, MAX_LINE, MAX_LINE, MAX_LINE, 4]


def test_it_reads_no_further_than_it_is_asked_for() -> None:
    def endless() -> object:
        yield "ann@b.example\n"
        yield "bob@b.example\n"
        raise AssertionError("read ahead")

    found = read_entries(endless(), Format.CSV)  # type: ignore[arg-type]  # a generator
    assert isinstance(next(found), Suppression)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_known_by_its_name(reason: Reason) -> None:
    assert read_reason(str(reason)) is reason
    assert read_reason(str(reason).upper().replace("_", "-")) is reason


@pytest.mark.parametrize("text", ["", "blocked", "block", None, 7])
def test_a_block_is_no_reason(text: object) -> None:
    with pytest.raises(MessageError, match="hard_bounce"):
        read_reason(text)
