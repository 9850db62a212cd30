"""What may be given as a route, everywhere, and the transport it means."""

from typing import TypeAlias

from postroad.errors import ConfigurationError
from postroad.providers.contract import Provider
from postroad.secret import Secret
from postroad.transport.composition import Composition
from postroad.transport.contract import Transport
from postroad.transport.failover import ComposedTransport
from postroad.transport.from_url import account_beside_several, from_url
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport

Route: TypeAlias = str | Smtp | Provider | Composition | Transport
"""A URL, an ``Smtp``, a ``Postmark`` or another provider, a ``Failover``, ``RoundRobin`` or ``Weighted`` of routes, or
a transport."""


def transport_of(route: Route, *, username: str | None = None, password: Secret | str | None = None) -> Transport:
    """The transport of a route.

    Raises:
        ConfigurationError: the route is none, or an account is given beside one that has its own.
    """
    if isinstance(route, str):
        return from_url(route, username=username, password=password)
    if username is not None or password is not None:
        if isinstance(route, Composition):
            raise account_beside_several("username")
        raise ConfigurationError(
            "username and password go with a URL; an account object has its own", setting="username"
        )
    if isinstance(route, Smtp):
        return SmtpTransport(route)
    if isinstance(route, Provider):
        return _over_http(route)
    if isinstance(route, Composition):
        roads = [transport_of(one) for one in route.routes]
        return ComposedTransport(route.kind, roads, weights=route.weights, breaker=route.breaker)
    if not hasattr(route, "deliver"):
        kind = type(route).__name__
        raise ConfigurationError(
            f"a {kind} is no route; give a URL, an Smtp(...), a provider or a transport", setting="route"
        )
    return route


def _over_http(provider: Provider) -> Transport:
    # Loaded late: most programs name no provider in a route.
    from postroad.transport.provider_api.transport import ProviderApiTransport

    return ProviderApiTransport(provider)


def anew(transport: Transport) -> Transport:
    """The same route with connections of its own, for another event loop; the same object where it has none."""
    if isinstance(transport, SmtpTransport):
        return SmtpTransport(transport.settings)
    # Email APIs; a route that signs, with the keys it has.
    if (renewed := getattr(transport, "renewed", None)) is not None:
        own: Transport = renewed()
        return own
    if isinstance(transport, ComposedTransport):
        roads = [anew(road) for road in transport.transports]
        return ComposedTransport(transport.kind, roads, weights=transport.weights, breaker=transport.breaker)
    return transport
