"""The email APIs that tests of other programs send to."""

import pytest

from postroad import ConfigurationError, Email, Mailer, RecipientsRefused, Throttled
from postroad.providers.registry import PROVIDERS
from postroad.testing.emulated_api import EmulatedApi

EMAIL = Email(from_="me@a.example", to="ann@example.com", subject="Hi", text="Hello")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_it_takes_mail_and_shows_it(provider: str) -> None:
    with EmulatedApi(provider) as api, Mailer(api.route) as mailer:
        assert mailer.check().seen
        report = mailer.send(EMAIL)
        assert report.remote_id
        (mail,) = api.received
    assert [str(one) for one in mail.envelope.recipients] == ["ann@example.com"]
    assert Email.from_bytes(mail.content).subject == "Hi"


def test_it_fails_on_command() -> None:
    with EmulatedApi("postmark") as api, Mailer(api.route, retry=None) as mailer:
        api.refuse("ann@example.com")
        with pytest.raises(RecipientsRefused):
            mailer.send(EMAIL)
        api.answer_next(429, retry_after=7)
        with pytest.raises(Throttled) as told:
            mailer.send(EMAIL)
        assert told.value.retry_after == 7.0
        assert api.received == ()


def test_there_is_no_such_provider() -> None:
    with pytest.raises(ConfigurationError, match="is no email API"):
        EmulatedApi("pigeon")
