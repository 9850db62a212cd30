"""The tree of errors: every kind knows blame, scope, remedy and advice, and travels between processes."""

import copy
import inspect
import pickle

import pytest

import postroad
from postroad import errors
from postroad.address import Address
from postroad.errors import (
    Abandoned,
    AddressError,
    AuthenticationError,
    Blame,
    ConfigurationError,
    ConnectError,
    DatabaseError,
    DataError,
    Disconnected,
    DnsError,
    IdempotencyConflict,
    MessageError,
    MissingExtra,
    NotFound,
    OutcomeUnknown,
    PoolTimeout,
    PostroadError,
    ProtocolError,
    ProxyError,
    ProxyRefused,
    RecipientsRefused,
    Remedy,
    Scope,
    SecretUnavailable,
    SenderRefused,
    SendError,
    Suppressed,
    Throttled,
    Timeout,
    TlsError,
    TlsModeMismatch,
    Unsupported,
)
from postroad.outcome import failed
from postroad.reply import Code, Direction, EnhancedCode, Phase, Reply, TranscriptLine

KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, PostroadError)]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def reply(code: int) -> Reply:
    return Reply(Code(code), ("4.7.0 words",), EnhancedCode(4, 7, 0))


@every_kind
def test_every_kind_answers_every_question(kind: type[PostroadError]) -> None:
    error = kind("what happened")
    assert str(error) == error.message == "what happened"
    assert isinstance(error.blame, Blame)
    assert isinstance(error.scope, Scope)
    assert isinstance(error.remedy, Remedy)
    assert error.advice.endswith(".")
    assert (error.code, error.enhanced, error.retry_after, error.report) == (None, None, None, None)
    assert error.transcript == ()
    # Exactly one of the three, so that a caller's if-chain covers everything.
    assert [error.temporary, error.permanent, error.ambiguous].count(True) == 1


@every_kind
def test_every_kind_has_a_name_and_advice_of_its_own(kind: type[PostroadError]) -> None:
    assert "slug" in vars(kind)
    assert [other for other in KINDS if other.slug == kind.slug] == [kind]
    if kind not in (PostroadError, SendError, MissingExtra):
        assert "default_advice" in vars(kind)


@every_kind
def test_every_kind_is_public_but_none_is_unknown(kind: type[PostroadError]) -> None:
    assert getattr(postroad, kind.__name__) is kind


@every_kind
def test_every_kind_travels_between_processes(kind: type[PostroadError]) -> None:
    error = kind(
        "what happened",
        reply=reply(450),
        phase=Phase.RCPT,
        advice="Do this.",
        retry_after=5.0,
        transcript=(TranscriptLine(Direction.SERVER, "450 4.7.0 words"),),
    )
    failed((Address("bob@b.example"),), error)
    for arrived in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(arrived) is kind
        assert str(arrived) == "what happened"
        assert (arrived.code, str(arrived.enhanced)) == (450, "4.7.0")
        assert (arrived.phase, arrived.advice, arrived.retry_after) == (Phase.RCPT, "Do this.", 5.0)
        assert arrived.transcript == error.transcript
        assert arrived.report == error.report
    arrived = pickle.loads(pickle.dumps(error))
    assert arrived.report.error is arrived  # each knows the other, as before


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (MessageError, Remedy.FIX),
        (AddressError, Remedy.FIX),
        (ConfigurationError, Remedy.FIX),
        (MissingExtra, Remedy.FIX),
        (SecretUnavailable, Remedy.RETRY),
        (DatabaseError, Remedy.RETRY),
        (NotFound, Remedy.FIX),
        (IdempotencyConflict, Remedy.FIX),
        (Suppressed, Remedy.GIVE_UP),
        (ConnectError, Remedy.RETRY),
        (DnsError, Remedy.RETRY),
        (ProxyError, Remedy.RETRY),
        (ProxyRefused, Remedy.FIX),
        (TlsError, Remedy.FIX),  # "TLS faults are not retried"
        (TlsModeMismatch, Remedy.FIX),
        (Timeout, Remedy.RETRY),
        (PoolTimeout, Remedy.RETRY),
        (Throttled, Remedy.RETRY),
        (Disconnected, Remedy.RETRY),
        (ProtocolError, Remedy.RETRY_ELSEWHERE),
        (Unsupported, Remedy.FIX),
        (AuthenticationError, Remedy.FIX),
        (OutcomeUnknown, Remedy.DECIDE),
        (Abandoned, Remedy.RETRY),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_helps_where_no_server_spoke(kind: type[PostroadError], remedy: Remedy) -> None:
    assert kind().remedy is remedy


@pytest.mark.parametrize("kind", [ConnectError, Throttled, SenderRefused, RecipientsRefused, DataError])
def test_the_servers_code_decides_between_later_and_never(kind: type[PostroadError]) -> None:
    assert kind(reply=reply(451)).temporary
    assert kind(reply=reply(550)).permanent
    assert kind(reply=reply(550)).remedy is Remedy.GIVE_UP


def test_wrong_credentials_are_for_ever_a_servers_own_trouble_passes() -> None:
    assert AuthenticationError(reply=reply(535)).permanent
    assert AuthenticationError(reply=reply(454)).temporary  # RFC 4954 §6


def test_an_unknown_outcome_is_neither_temporary_nor_permanent() -> None:
    error = OutcomeUnknown(phase=Phase.DOT)
    assert error.ambiguous
    assert not error.temporary
    assert not error.permanent


def test_builtin_names_catch_them_too() -> None:
    assert issubclass(MessageError, ValueError)
    assert issubclass(NotFound, LookupError)
    assert issubclass(MissingExtra, ImportError)
    assert issubclass(Timeout, TimeoutError)
    assert issubclass(ConnectError, ConnectionError)
    assert issubclass(Disconnected, ConnectionError)


def test_the_branches_of_the_tree() -> None:
    assert issubclass(AddressError, MessageError)
    assert issubclass(MissingExtra, ConfigurationError)
    assert issubclass(DnsError, ConnectError)
    assert issubclass(ProxyRefused, ProxyError)
    assert issubclass(ProxyError, ConnectError)
    assert issubclass(TlsModeMismatch, TlsError)
    assert issubclass(TlsError, ConnectError)
    assert issubclass(PoolTimeout, Timeout)
    on_the_way = {kind for kind in KINDS if issubclass(kind, SendError)}
    before = {MessageError, AddressError, ConfigurationError, MissingExtra, DatabaseError, NotFound}
    assert on_the_way.isdisjoint(before | {IdempotencyConflict, Suppressed, PostroadError})


def test_the_drawn_tree_is_the_real_one() -> None:
    assert errors.__doc__ is not None
    for kind in KINDS:
        assert f" {kind.__name__}" in errors.__doc__ or kind is PostroadError, kind


def test_the_field_and_the_setting_are_named() -> None:
    assert MessageError("subject: too long", field="subject").field == "subject"
    assert MessageError("x").phase is Phase.MESSAGE
    assert ConfigurationError("pool=x", setting="pool").setting == "pool"
    assert ConfigurationError("x").phase is Phase.CONFIGURATION
