"""The AWS credentials of this machine, where a route names none: environment, profile, role of the instance.

The variables are read here; everything else AWS's own library knows, where it is installed.
"""

import asyncio
import os
from typing import TYPE_CHECKING

from postroad.errors import ConfigurationError
from postroad.secret import Secret

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_VARIABLES = {
    "access_key": "AWS_ACCESS_KEY_ID",
    "secret_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
}


class AwsKeys:
    """Looks them up each time: those of a role are renewed every few hours."""

    def __init__(self) -> None:
        self._credentials: Credentials | None = None

    async def get(self) -> dict[str, Secret]:
        """The keys by their names in ``Ses``.

        Raises:
            ConfigurationError: there are none.
        """
        found = {name: os.environ[variable] for name, variable in _VARIABLES.items() if os.environ.get(variable)}
        if "access_key" not in found or "secret_key" not in found:
            found = await asyncio.to_thread(self._look_up)
        return {name: Secret(value) for name, value in found.items()}

    def _look_up(self) -> dict[str, str]:
        if self._credentials is None:
            self._credentials = _credentials()
        frozen = self._credentials.get_frozen_credentials()
        keys = {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "session_token": frozen.token}
        return {name: value for name, value in keys.items() if value}


def _credentials() -> "Credentials":
    advice = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give access_key= and secret_key=."
    try:
        from botocore.session import Session  # late: heavy, and an extra; only where the variables are not set
    except ModuleNotFoundError:
        raise ConfigurationError(
            "Amazon SES: no AWS credentials are set", setting="access_key",
            advice=f"{advice} For profiles and roles: pip install 'postroad[aws]'.",
        ) from None  # fmt: skip
    found: Credentials | None = Session().get_credentials()
    if found is None:
        raise ConfigurationError("Amazon SES: no AWS credentials are found", setting="access_key", advice=advice)
    return found
