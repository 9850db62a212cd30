"""What may be given as a route, and the transport it means."""

from typing import TypeAlias

from postroad.errors import ConfigurationError
from postroad.secret import Secret
from postroad.transport.contract import Transport
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport

Route: TypeAlias = str | Smtp | Transport


def transport_of(route: Route, *, username: str | None = None, password: Secret | str | None = None) -> Transport:
    """The transport of a URL, an ``Smtp`` or a transport.

    Raises:
        ConfigurationError: the route is none, or an account is given beside one that has its own.
    """
    if isinstance(route, str):
        return from_url(route, username=username, password=password)
    if username is not None or password is not None:
        raise ConfigurationError("username and password go with a URL; an Smtp(...) has its own", setting="username")
    if isinstance(route, Smtp):
        return SmtpTransport(route)
    if not hasattr(route, "deliver"):
        kind = type(route).__name__
        raise ConfigurationError(f"a {kind} is no route; give a URL, an Smtp(...) or a transport", setting="route")
    return route
