"""Every error has its exit code, and an object for programs."""

import pytest

from postroad import errors
from postroad.cli.exit_codes import ExitCode, exit_code_of
from postroad.cli.failure import of_error
from postroad.errors import PostroadError
from postroad.reply import Code, Phase, Reply

LATER, NEVER = Reply(Code(451), ("Later",)), Reply(Code(550), ("Never",))

TABLE = [
    (errors.MessageError("m", field="to"), 65),
    (errors.AddressError("m"), 65),
    (errors.ConfigurationError("m", setting="url"), 78),
    (errors.MissingExtra("m"), 78),
    (errors.SecretUnavailable("m"), 75),
    (errors.DatabaseError("m"), 75),
    (errors.NotFound("m"), 4),
    (errors.IdempotencyConflict("m"), 65),
    (errors.Suppressed("m"), 67),
    (errors.SendError("m"), 75),
    (errors.ConnectError("m"), 69),
    (errors.DnsError("m"), 69),
    (errors.ProxyError("m"), 69),
    (errors.ProxyRefused("m"), 69),
    (errors.TlsError("m"), 69),
    (errors.TlsModeMismatch("m"), 69),
    (errors.Timeout("m", phase=Phase.GREETING), 69),
    (errors.Timeout("m", phase=Phase.MAIL), 75),
    (errors.PoolTimeout("m", phase=Phase.POOL), 75),
    (errors.Throttled("m"), 75),
    (errors.Disconnected("m"), 75),
    (errors.ProtocolError("m"), 69),
    (errors.Unsupported("m"), 65),
    (errors.AuthenticationError("m", reply=NEVER), 77),
    (errors.AuthenticationError("m", reply=LATER), 75),
    (errors.SenderRefused("m", reply=NEVER), 77),
    (errors.SenderRefused("m", reply=LATER), 75),
    (errors.RecipientsRefused("m", reply=NEVER), 67),
    (errors.RecipientsRefused("m", reply=LATER), 75),
    (errors.DataError("m", reply=NEVER), 65),
    (errors.DataError("m", reply=LATER), 75),
    (errors.OutcomeUnknown("m"), 1),
    (errors.Abandoned("m"), 75),
    (errors.WebhookRefused("m"), 65),
    (errors.PostroadError("m"), 1),
]


@pytest.mark.parametrize(("error", "code"), TABLE, ids=lambda value: getattr(value, "slug", value))
def test_the_exit_code_of_an_error(error: PostroadError, code: int) -> None:
    assert exit_code_of(error) == code


def test_the_table_names_every_error() -> None:
    kinds = {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PostroadError)}
    assert kinds == {type(error) for error, _ in TABLE}


def test_only_what_cannot_double_is_temporary() -> None:
    for error, code in TABLE:
        if code == ExitCode.TEMPORARY:
            assert error.temporary
            assert not error.ambiguous


def test_an_error_as_json() -> None:
    error = errors.Throttled("slow down", reply=LATER, phase=Phase.MAIL, retry_after=60.0)
    assert of_error(error).as_json() == {
        "code": "throttled", "message": "slow down", "advice": error.advice, "retryable": True, "phase": "mail",
        "reply": "451 Later", "retry_after": 60.0,
    }  # fmt: skip
