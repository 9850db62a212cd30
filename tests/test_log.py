"""What postroad logs: nothing of its own accord, and no mail address in full."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import postroad
from postroad.log import logger, without_addresses

SOURCE = Path(postroad.__file__).parent


def ran(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)


def test_an_application_that_logs_finds_a_null_handler() -> None:
    done = ran("import logging, postroad; print(*logging.getLogger('postroad').handlers)")
    assert "NullHandler" in done.stdout


def test_nothing_is_printed_where_nobody_listens() -> None:
    content = "'x' * (11 << 20)"  # octets; so much is warned about
    email = f"Email(from_='a@example.com', to='b@example.com', text='t', attachments=[Attachment({content}, 'x.txt')])"
    program = f"from postroad import *\nwith Mailer('null://') as mailer: mailer.send({email})"
    told = "import logging; logging.basicConfig()\n" + program
    assert "many servers refuse that" in ran(told).stderr
    assert ran(program).stderr == ""


def test_every_part_takes_its_logger_here() -> None:
    asking = [path for path in SOURCE.rglob("*.py") if "getLogger" in path.read_text()]
    assert {path.relative_to(SOURCE).as_posix() for path in asking} == {"log.py", "cli/log_lines.py"}


def test_a_reply_that_repeats_the_recipient_is_logged_without_the_name(caplog: pytest.LogCaptureFixture) -> None:
    logger("outbox").warning("%s rests: %s", "example.com", "450 4.2.1 <bob.o'hara+x@example.com>: too many")
    assert caplog.messages == ["example.com rests: 450 4.2.1 <***@example.com>: too many"]


def test_nor_does_a_traceback_show_the_name(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise LookupError("<bob@example.com> is a defect")
    except LookupError:
        logger("outbox").exception("could not be tried")
    assert "LookupError: <***@example.com> is a defect" in caplog.text
    assert "bob" not in caplog.text


def test_what_has_no_address_keeps_its_template(caplog: pytest.LogCaptureFixture) -> None:
    logger("outbox").warning("%s rests", "example.com")
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%s rests", ("example.com",))


def test_a_logger_is_one_however_often_it_is_asked_for() -> None:
    assert logger("outbox") is logger("outbox") is logging.getLogger("postroad.outbox")
    assert len(logger("outbox").filters) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@example.com", "***@example.com"),
        ("to ann@example.com.", "to ***@example.com."),
        ("<ann@bücher.example>:", "<***@bücher.example>:"),
        ("josé@example.com, bob@example.com", "***@example.com, ***@example.com"),
        ("(ann@example.com)", "(***@example.com)"),
        ("'ann@example.com'", "'***@example.com'"),
        ("for=ann@example.com", "for=***@example.com"),
        ("ann@example.com: refused", "***@example.com: refused"),
        # whoever runs a worker has to know which account and which database it is
        ("ann@smtp.example.com:587 rests", "ann@smtp.example.com:587 rests"),
        ("smtp://ann@smtp.example.com:587", "smtp://ann@smtp.example.com:587"),
        ("postgresql://ann@db.example.com/mail", "postgresql://ann@db.example.com/mail"),
        ("nothing @ all", "nothing @ all"),
    ],
)
def test_what_counts_as_an_address(text: str, shown: str) -> None:
    assert without_addresses(text) == shown


def test_a_long_text_costs_no_more_than_its_length() -> None:
    assert without_addresses("a" * 1_000_000) == "a" * 1_000_000
    assert without_addresses("a'" * 500_000) == "a'" * 500_000
    assert without_addresses("a@" * 200_000) == "a@" * 200_000
